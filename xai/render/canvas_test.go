package render

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// Every cell holds one image at most, every image is in one cell at most, none is far from
// its place, and none is left out that has a free cell beside it.
func TestCanvasLayout(t *testing.T) {
	for _, n := range []int{1, 2, 50, 1000} {
		f := thumbs(asIs, n).View().fig.(canvasFigure)
		for _, width := range []vg.Length{100 * px, 500 * px, pageWidth} {
			l := f.layout(width)
			cell := make(map[int]int)
			for c, i := range l.at {
				if i < 0 {
					continue
				}
				if _, twice := cell[i]; twice {
					t.Fatalf("image %d is drawn twice", i)
				}
				cell[i] = c
			}
			if len(cell) != l.shown {
				t.Errorf("%d images in cells, %d are said to be shown", len(cell), l.shown)
			}
			for i := range f.Thumbs {
				x, y := 0.5+f.u[i]*float64(l.cols-1), 0.5+f.v[i]*float64(l.rows-1)
				if c, ok := cell[i]; ok {
					if dx, dy := math.Abs(x-float64(c%l.cols)-0.5), math.Abs(y-float64(c/l.cols)-0.5); dx > 2.5 || dy > 2.5 {
						t.Errorf("image %d is %v, %v cells away from its place", i, dx, dy)
					}
				} else if at := l.at[int(y)*l.cols+int(x)]; at < 0 {
					t.Errorf("image %d is left out although its cell is free", i)
				}
			}
			if w := f.fit(width).w; w > max(width, 4*l.cell) {
				t.Errorf("%v wide at %v", w, width)
			}
		}
	}
	if v := thumbs(asIs, 1000).View(); !strings.Contains(v.Text(), "of 1000 images are shown") {
		t.Errorf("the text does not say that images are missing:\n%s", v.Text())
	}
}

// What is said about a cluster is in the page for the script, and must be one text for each.
func TestCanvasAbout(t *testing.T) {
	c := Canvas{Clusters: []string{"a", "b"}, About: []string{"what <a> is", "what b is"}}
	for i := range 2 {
		c.Thumbs = append(c.Thumbs, Thumb{Image: Image{Pixels: []float64{0, 1, 1, 0}, Channels: 1, Height: 2, Width: 2}, X: float64(i), Cluster: i})
	}
	html := must(c.View().HTML())
	if !strings.Contains(html, "what b is") || strings.Contains(html, "<a>") {
		t.Error("the page does not hold what is said, or as HTML")
	}
	if c.About = c.About[:1]; !errors.Is(c.View().Err(), ErrSize) {
		t.Errorf("one text for two clusters: %v", c.View().Err())
	}
}

// The largest canvas, of what compresses least, stays within its limits.
func TestCanvasLimits(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("encodes large images")
	}
	draw := rand.New(rand.NewPCG(1, 1))
	c := Canvas{}
	for range thumbsMost {
		m := Image{Channels: 3, Height: 20, Width: 20, Pixels: make([]float64, 3*20*20)}
		for i := range m.Pixels {
			m.Pixels[i] = draw.Float64()
		}
		c.Thumbs = append(c.Thumbs, Thumb{Image: m, X: draw.NormFloat64(), Y: draw.NormFloat64()})
	}
	uri, side, _, err := c.View().fig.(canvasFigure).sprite()
	if err != nil || len(uri) > 2_200_000 || side < 20 {
		t.Errorf("sprite of %d bytes with sides of %d, %v", len(uri), side, err)
	}
	// What else the HTML may hold: the picture, and 30 bytes and a caption for each image.
	if rest := pngLimit*2/3*4/3 + thumbsMost*(30+captionMost) + 10_000; len(uri)+rest > 3_000_000 {
		t.Errorf("%d bytes of HTML", len(uri)+rest)
	}
}

func TestCanvasInBrowser(t *testing.T) {
	t.Parallel()
	attack := `"><img src=x onerror="say('attacked')"><script>say('attacked')</script>`
	c := thumbs(func(s string) string { return s + attack }, 90)
	for _, name := range c.Clusters {
		c.About = append(c.About, "all of "+name+attack)
	}
	html := must(Column(c.View(), thumbs(asIs, 5).View()).HTML())
	got := browse(t, "<body style='width:900px'>"+html+html, `
var box=document.querySelector('.whybook-canvas'),stage=box.querySelector('.whybook-stage'),out=box.querySelector('output'),tiles=stage.querySelectorAll('i');
function shown(){return Array.from(tiles).filter(function(e){return e.style.display!=='none'})}
say(document.querySelectorAll('.whybook-canvas').length+' canvases, '+document.querySelectorAll('.whybook-stage').length+' stages');
say((shown().length+' of 90 images in view'===out.textContent)+' '+(shown().length>30)+' '+(shown().length<90));
var hit=0,s=shown().map(function(e){return e.getBoundingClientRect()});
s.forEach(function(a,i){s.forEach(function(b,j){if(i<j&&Math.abs(a.left-b.left)<a.width-1&&Math.abs(a.top-b.top)<a.height-1)hit++})});
say(hit+' overlaps');
var before=shown().length;
['+','+','ArrowLeft'].forEach(function(k){stage.dispatchEvent(new KeyboardEvent('keydown',{key:k}))});
say(out.textContent!==before+' of 90 images in view');
stage.dispatchEvent(new KeyboardEvent('keydown',{key:'0'}));say(shown().length===before);
var keys=box.querySelectorAll('[aria-pressed]');keys[2].click();
say(box.querySelectorAll('.whybook-sheet i').length+' in the sheet, '+keys[2].getAttribute('aria-pressed')+', '+box.querySelector('.whybook-sheet p').textContent.slice(0,9)+', '+(box.querySelector('.whybook-sheet p').textContent.indexOf(': all of cluster 2')>0));
say(tiles[2].style.opacity+' '+tiles[3].style.opacity);
keys[2].click();say(box.querySelectorAll('.whybook-sheet i').length+' in the sheet');
tiles[5].click();say(keys[5].getAttribute('aria-pressed')+' '+tiles[5].title.slice(0,8));
say(box.querySelector('img').offsetWidth+' wide, '+document.querySelectorAll('img[src=x]').length+' attacks');
`)
	corners := Canvas{}
	for _, at := range [][2]float64{{0, 0}, {0, 1}, {1, 0}, {0.8, 1}} {
		corners.Thumbs = append(corners.Thumbs, Thumb{Image: slash(8), X: at[0], Y: at[1]})
	}
	closer := browse(t, "<body style='width:900px'>"+must(corners.View().HTML()), `
var b=document.querySelectorAll('.whybook-bar button')[0],out=document.querySelector('output');
for(var i=0;i<6;i++)b.click();
var s=document.querySelector('.whybook-stage').getBoundingClientRect(),e=Array.from(document.querySelectorAll('.whybook-stage i')).filter(function(e){return e.style.display!=='none'})[0];
say(out.textContent);if(e){e=e.getBoundingClientRect();say((e.left>s.left&&e.right<s.right&&e.top>s.top&&e.bottom<s.bottom)+'')}
`)
	if strings.Join(closer, "\n") != "1 of 4 images in view\ntrue" { // where there is nothing in the middle
		t.Errorf("closer to an empty middle: %q", closer)
	}
	want := []string{"4 canvases, 4 stages", "true true true", "0 overlaps", "true", "true", "13 in the sheet, true, cluster 2, true", "1 0.2", "0 in the sheet", "true sample 5", "0 wide, 0 attacks"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the page says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
