package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
)

func pngOf(w, h int, c color.Color) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func fsOf(files map[string][]byte) fs.FS {
	m := fstest.MapFS{}
	for name, content := range files {
		m[name] = &fstest.MapFile{Data: content}
	}
	return m
}

var (
	red  = color.NRGBA{255, 0, 0, 255}
	blue = color.NRGBA{0, 0, 200, 255}
)

func TestReadImages(t *testing.T) {
	fsys := fsOf(map[string][]byte{
		"pets/dog/2.png":         pngOf(2, 1, blue),
		"pets/dog/10.PNG":        pngOf(2, 1, red),
		"pets/cat/a.png":         pngOf(2, 1, red),
		"pets/cat/notes.txt":     []byte("not an image"),
		"pets/cat/.hidden.png":   []byte("not an image either"),
		"pets/__MACOSX/x/._.png": []byte("rubbish of an archiver"),
		"pets/readme.png":        []byte("not in a class"),
	})
	s, err := ReadImages(context.Background(), fsys, Images{Dir: "pets"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Classes, []string{"cat", "dog"}) || !slices.Equal(s.Labels, []int{0, 1, 1}) || s.Shape != (Shape{3, 1, 2}) {
		t.Errorf("classes %q, labels %v, shape %v", s.Classes, s.Labels, s.Shape)
	}
	want := []uint8{255, 255, 0, 0, 0, 0 /* dog/10 */, 255, 255, 0, 0, 0, 0 /* dog/2 */, 0, 0, 0, 0, 200, 200}
	if !slices.Equal(s.Pixels, want) {
		t.Errorf("pixels %v, want %v", s.Pixels, want)
	}

	s, err = ReadImages(context.Background(), fsys, Images{Dir: "pets", Width: 4, Height: 3, Grey: true})
	if err != nil || s.Shape != (Shape{1, 3, 4}) {
		t.Fatalf("shape %v, %v", s.Shape, err)
	}
	if s.Pixels[0] != 76 || s.Pixels[len(s.Pixels)-1] != 23 { // 0.299*255 and 0.114*200
		t.Errorf("grey red %d, want 76; grey blue %d, want 23", s.Pixels[0], s.Pixels[len(s.Pixels)-1])
	}
}

// hugePNG claims 60,000 x 60,000 pixels in a few bytes.
func hugePNG() []byte {
	b := pngOf(1, 1, red)
	binary.BigEndian.PutUint32(b[16:], 60000)
	binary.BigEndian.PutUint32(b[20:], 60000)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

func TestReadImagesBadInput(t *testing.T) {
	good := pngOf(2, 2, red)
	with := func(name string, content []byte) fs.FS {
		return fsOf(map[string][]byte{"cat/a.png": good, "cat/b.png": good, name: content})
	}
	empty := fstest.MapFS{"cat/a.png": &fstest.MapFile{Data: good}, "dog": &fstest.MapFile{Mode: fs.ModeDir | 0o755}}
	for _, test := range []struct {
		name  string
		fsys  fs.FS
		o     Images
		want  error
		texts []string
	}{
		{"another size", with("dog/c.png", pngOf(3, 2, red)), Images{}, ErrSize, []string{"dog/c.png", "3 x 2", "2 x 2", "Width and Height"}},
		{"undecodable", with("dog/c.jpg", []byte("hello")), Images{}, ErrFormat, []string{"dog/c.jpg"}},
		{"truncated", with("dog/c.png", good[:len(good)/2]), Images{}, ErrFormat, []string{"dog/c.png"}},
		{"bomb", with("dog/c.png", hugePNG()), Images{Width: 2, Height: 2}, ErrSize, []string{"dog/c.png", "60000 x 60000"}},
		{"empty class", empty, Images{}, ErrEmptyClass, []string{"dog"}},
		{"class of other files", with("dog/c.txt", nil), Images{}, ErrEmptyClass, []string{"dog"}},
		{"no classes", fsOf(map[string][]byte{"a.png": good}), Images{}, ErrFormat, []string{"class folders"}},
		{"no such folder", with("dog/c.png", good), Images{Dir: "birds"}, fs.ErrNotExist, []string{"birds"}},
		{"outside", with("dog/c.png", good), Images{Dir: "../x"}, nil, []string{"../x"}},
		{"half a size", with("dog/c.png", good), Images{Width: 3}, ErrSize, []string{"3 x 0"}},
		{"too large", with("dog/c.png", good), Images{Width: 1 << 40, Height: 1 << 40}, ErrSize, []string{"4096"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadImages(context.Background(), test.fsys, test.o)
			wantError(t, err, test.want, append(test.texts, "datasets: images")...)
		})
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := ReadImages(ctx, with("dog/c.png", good), Images{})
	wantError(t, err, context.Canceled, "0 of 3 files")
}

func TestReadImagesReportsProgress(t *testing.T) {
	var last [2]int
	ctx := Watch(context.Background(), Watcher{Progress: func(_ string, done, total int) { last = [2]int{done, total} }})
	good := pngOf(1, 1, red)
	if _, err := ReadImages(ctx, fsOf(map[string][]byte{"a/1.png": good, "b/1.png": good}), Images{}); err != nil {
		t.Fatal(err)
	}
	if last != [2]int{2, 2} {
		t.Errorf("last report %v, want 2 of 2", last)
	}
}

// scaleSlowly is scale by definition: the mean over a grid that is as fine as both images.
func scaleSlowly(from *image.RGBA, w, h int) []uint8 {
	fw, fh := from.Rect.Dx(), from.Rect.Dy()
	var out []uint8
	for y := range h {
		for x := range w {
			for ch := range 4 {
				sum := 0
				for v := y * fh; v < (y+1)*fh; v++ {
					for u := x * fw; u < (x+1)*fw; u++ {
						sum += int(from.Pix[v/h*from.Stride+u/w*4+ch])
					}
				}
				out = append(out, uint8((sum+fw*fh/2)/(fw*fh)))
			}
		}
	}
	return out
}

func TestScaleIsTheMeanOverArea(t *testing.T) {
	from := image.NewRGBA(image.Rect(0, 0, 7, 5))
	for i := range from.Pix {
		from.Pix[i] = uint8(i * 37)
	}
	for _, size := range [][2]int{{7, 5}, {1, 1}, {3, 2}, {14, 10}, {9, 4}, {5, 11}} {
		if got, want := scale(from, size[0], size[1]).Pix, scaleSlowly(from, size[0], size[1]); !slices.Equal(got, want) {
			t.Errorf("7 x 5 to %v:\n%v\nwant\n%v", size, got, want)
		}
	}
}

func TestFromImage(t *testing.T) {
	img := image.NewGray(image.Rect(10, 20, 12, 21)) // does not start at 0,0
	img.SetGray(10, 20, color.Gray{51})
	x := FromImage(img, Images{Grey: true})
	if x.Err() != nil || x.Shape != (Shape{1, 1, 2}) || !slices.Equal(x.X, []float64{0.2, 0}) || x.Label != -1 {
		t.Errorf("%+v, %v", x, x.Err())
	}
	if x = FromImage(img, Images{}); x.Shape != (Shape{3, 1, 2}) || x.X[4] != 0.2 {
		t.Errorf("colour: %+v", x)
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	clear.SetNRGBA(0, 0, color.NRGBA{255, 255, 255, 0})
	if x = FromImage(clear, Images{}); x.X[0] != 0 {
		t.Errorf("a transparent pixel is %v, want black", x.X)
	}
	wantError(t, FromImage(nil, Images{}).Err(), nil, "nil")
	wantError(t, FromImage(image.NewGray(image.Rect(0, 0, 0, 5)), Images{}).Err(), ErrSize, "0 x 5")
	wantError(t, FromImage(img, Images{Width: -1, Height: -1}).Err(), ErrSize, "-1")
}

func TestImageFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cat.png")
	if err := os.WriteFile(name, pngOf(4, 4, red), 0o644); err != nil {
		t.Fatal(err)
	}
	x := ImageFile(name, Images{Width: 2, Height: 2})
	if x.Err() != nil || x.Set != "cat.png" || x.Shape != (Shape{3, 2, 2}) || x.X[0] != 1 || x.X[4] != 0 {
		t.Errorf("%+v, %v", x, x.Err())
	}
	wantError(t, ImageFile(name+".gone", Images{}).Err(), os.ErrNotExist, "cat.png.gone")
	if err := os.WriteFile(name, []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := ImageFile(name, Images{}).Err(); !errors.Is(err, ErrFormat) {
		t.Errorf("error %v, want ErrFormat", err)
	}
}
