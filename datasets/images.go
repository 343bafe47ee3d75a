package datasets

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/gif"  // so that image.Decode
	_ "image/jpeg" // knows the
	_ "image/png"  // usual formats
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Images says how image files become samples. The zero value makes RGB samples of the
// size the images have.
type Images struct {
	// Width and Height, in pixels, 1 to 4096: every image is scaled to this size, by
	// area averaging and without regard to its aspect. 0 and 0: images are not scaled,
	// and an image of another size than the first is an error.
	Width, Height int

	// Grey makes one channel (luma, 0.299 R + 0.587 G + 0.114 B) instead of three.
	Grey bool

	// Dir is the folder that holds the class folders, with slashes; default the root.
	Dir string
}

// maxImagePixels bounds the size of an image that is decoded.
const maxImagePixels = 1 << 26

func (o Images) check() error {
	if (o.Width == 0) != (o.Height == 0) || o.Width < 0 || o.Height < 0 || o.Width > 4096 || o.Height > 4096 {
		return fmt.Errorf("size %d x %d: Width and Height must both be 0 or both in 1 to 4096: %w", o.Width, o.Height, ErrSize)
	}
	return nil
}

// ReadImages reads a folder of images: every folder below the root (or below o.Dir) is a
// class of that name, in sorted order, and holds .jpg, .jpeg, .png or .gif files, which
// are read in sorted order. Other files are left alone, and so is what starts with "."
// or "_". Transparent pixels are put on black. An fs.FS is a folder (os.DirFS), a
// zip file (*zip.Reader) or embedded data.
//
// Errors name the file or folder. They match ErrEmptyClass for a class folder without
// images, ErrFormat for a file that cannot be decoded, and ErrSize for an image of
// another size or one beyond 64 megapixels.
func ReadImages(ctx context.Context, fsys fs.FS, o Images) (Set, error) {
	fail := func(err error) (Set, error) { return Set{}, errorf("images: %w", err) }
	if err := o.check(); err != nil {
		return fail(err)
	}
	files, labels, classes, err := o.find(fsys)
	if err != nil {
		return fail(err)
	}
	s := Set{Name: "images", Classes: classes, Labels: labels, Pixels: []uint8{}}

	w := watching(ctx)
	for i, name := range files {
		if err := ctx.Err(); err != nil {
			return fail(fmt.Errorf("stopped after %d of %d files: %w", i, len(files), err))
		}
		img, err := decodeImage(fsys, name)
		if err != nil {
			return fail(fmt.Errorf("%s: %w", name, err))
		}
		shape, pixels := o.convert(img)
		if i == 0 {
			s.Shape = shape
			if shape.Size() > maxValues/len(files) {
				return fail(fmt.Errorf("%d images of shape %v are more than %d values: %w", len(files), shape, maxValues, ErrSize))
			}
			s.Pixels = make([]uint8, 0, len(files)*shape.Size())
		}
		if shape != s.Shape {
			return fail(fmt.Errorf("%s has %d x %d pixels, the images before it %d x %d; set Width and Height to scale all to one size: %w",
				name, shape.Width, shape.Height, s.Shape.Width, s.Shape.Height, ErrSize))
		}
		s.Pixels = append(s.Pixels, pixels...)
		if done := i + 1; done%64 == 0 || done == len(files) {
			w.Progress("read images", done, len(files))
		}
	}
	return s, nil
}

// find lists the image files with their labels, and the classes.
func (o Images) find(fsys fs.FS) (files []string, labels []int, classes []string, err error) {
	root := path.Clean(o.Dir)
	if o.Dir == "" {
		root = "."
	}
	folders, err := fs.ReadDir(fsys, root)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, folder := range folders {
		if !folder.IsDir() || hidden(folder.Name()) {
			continue
		}
		dir := path.Join(root, folder.Name())
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return nil, nil, nil, err
		}
		before := len(files)
		for _, entry := range entries {
			if !entry.IsDir() && !hidden(entry.Name()) && isImage(entry.Name()) {
				files = append(files, path.Join(dir, entry.Name()))
				labels = append(labels, len(classes))
			}
		}
		if len(files) == before {
			return nil, nil, nil, fmt.Errorf("folder %s has no .jpg, .jpeg, .png or .gif file: %w", dir, ErrEmptyClass)
		}
		classes = append(classes, folder.Name())
	}
	if len(files) == 0 {
		return nil, nil, nil, fmt.Errorf("folder %s has no class folders: %w", root, ErrFormat)
	}
	return files, labels, classes, nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

func isImage(name string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png", ".gif"}, strings.ToLower(path.Ext(name)))
}

// FromImage makes a sample of an image, of the size and channels that o asks for (Dir has
// no part in it). Its class is not known: Label is -1. Mistakes travel in the sample, see
// Sample.Err.
func FromImage(img image.Image, o Images) Sample {
	err := o.check()
	if err == nil && img == nil {
		err = errors.New("the image is nil")
	}
	if err == nil {
		err = checkImageSize(img.Bounds().Dx(), img.Bounds().Dy())
	}
	if err != nil {
		return Sample{err: fmt.Errorf("datasets.FromImage: %w", err)}
	}
	shape, pixels := o.convert(img)
	s := Sample{Set: "image", Shape: shape, X: make([]float64, len(pixels)), Label: -1}
	for i, v := range pixels {
		s.X[i] = float64(v) / 255
	}
	return s
}

// ImageFile makes a sample of an image file, like FromImage.
func ImageFile(file string, o Images) Sample {
	img, err := decodeImage(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	if err != nil {
		return Sample{err: fmt.Errorf("datasets.ImageFile: %s: %w", file, err)}
	}
	s := FromImage(img, o)
	s.Set = filepath.Base(file)
	return s
}

// decodeImage decodes a file after a look at the size it claims.
func decodeImage(fsys fs.FS, name string) (image.Image, error) {
	content, err := fs.ReadFile(fsys, name)
	if err != nil {
		if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = malformed(err)
		}
		return nil, err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, malformed(err)
	}
	if err := checkImageSize(config.Width, config.Height); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, malformed(err)
	}
	return img, nil
}

func checkImageSize(width, height int) error {
	if width < 1 || height < 1 || width > maxImagePixels/height {
		return fmt.Errorf("%d x %d pixels, want 1 to %d in all: %w", width, height, maxImagePixels, ErrSize)
	}
	return nil
}

// convert returns the image scaled and in planes.
func (o Images) convert(img image.Image) (Shape, []uint8) {
	bounds := img.Bounds()
	rgba := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	draw.Draw(rgba, rgba.Rect, img, bounds.Min, draw.Src)
	if o.Width > 0 && (o.Width != bounds.Dx() || o.Height != bounds.Dy()) {
		rgba = scale(rgba, o.Width, o.Height)
	}
	w, h := rgba.Rect.Dx(), rgba.Rect.Dy()
	if o.Grey {
		p := make([]uint8, w*h)
		for i := range p {
			// The weights of JPEG's luma in 16 bits, as image/color has them.
			r, g, b := int(rgba.Pix[4*i]), int(rgba.Pix[4*i+1]), int(rgba.Pix[4*i+2])
			p[i] = uint8((19595*r + 38470*g + 7471*b + 1<<15) >> 16)
		}
		return Shape{1, h, w}, p
	}
	p := make([]uint8, 3*w*h)
	for i := range w * h {
		for ch := range 3 {
			p[ch*w*h+i] = rgba.Pix[4*i+ch]
		}
	}
	return Shape{3, h, w}, p
}

// scale returns the image at another size. Each new pixel is the mean of the area that it
// covers in the old image, in whole numbers and thus the same on every machine.
func scale(from *image.RGBA, w, h int) *image.RGBA {
	fw, fh := from.Rect.Dx(), from.Rect.Dy()
	columns, lines := overlaps(fw, w), overlaps(fh, h)
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	// One line of sums at a time: over the old lines that a new line covers, then over
	// the old columns. The weights of a new pixel add up to fw*fh.
	sums := make([]int, 4*fw)
	for y, span := range lines {
		clear(sums)
		for _, o := range span {
			for i, v := range from.Pix[o.at*from.Stride : o.at*from.Stride+4*fw] {
				sums[i] += o.share * int(v)
			}
		}
		for x, span := range columns {
			for ch := range 4 {
				sum := 0
				for _, o := range span {
					sum += o.share * sums[4*o.at+ch]
				}
				to.Pix[y*to.Stride+4*x+ch] = uint8((sum + fw*fh/2) / (fw * fh))
			}
		}
	}
	return to
}

// overlap says how much of a new pixel the old pixel at a place covers.
type overlap struct{ at, share int }

// overlaps cuts a length of old pixels into n new ones. The shares of each add up to old.
func overlaps(old, n int) [][]overlap {
	spans := make([][]overlap, n)
	for i := range spans {
		// In units of 1/n of an old pixel, new pixel i covers [i*old, (i+1)*old).
		for j := i * old / n; j < old && j*n < (i+1)*old; j++ {
			share := min((j+1)*n, (i+1)*old) - max(j*n, i*old)
			spans[i] = append(spans[i], overlap{j, share})
		}
	}
	return spans
}

func (o Images) files(name string) ([]string, error) {
	if !isDir(name) {
		return []string{name}, nil // a zip file
	}
	files, _, _, err := o.find(os.DirFS(name))
	for i, file := range files {
		files[i] = filepath.Join(name, filepath.FromSlash(file))
	}
	return files, err
}

func (o Images) read(ctx context.Context, name string) (Set, error) {
	var s Set
	if isDir(name) {
		var err error
		if s, err = ReadImages(ctx, os.DirFS(name), o); err != nil {
			return Set{}, err
		}
	} else {
		archive, err := zip.OpenReader(name)
		if err != nil {
			if errors.Is(err, zip.ErrFormat) {
				err = fmt.Errorf("neither a folder nor a zip file: %w: %w", err, ErrFormat)
			}
			return Set{}, err
		}
		defer archive.Close()
		if s, err = ReadImages(ctx, archive, o); err != nil {
			return Set{}, err
		}
	}
	s.Name = baseName(name)
	if o.Dir != "" {
		s.Name += " " + o.Dir
	}
	return s, nil
}
