package render

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ring is a small signed map: +1 on a ring, -1 in its middle, 0 outside.
func ring(h, w int) []float64 {
	v := make([]float64, h*w)
	for i := range v {
		y, x := float64(i/w)-float64(h-1)/2, float64(i%w)-float64(w-1)/2
		switch r := math.Hypot(x, y); {
		case r < 1.5:
			v[i] = -1
		case r < 3.5:
			v[i] = 1
		}
	}
	return v
}

func scaled(v []float64, by float64) []float64 {
	for i := range v {
		v[i] *= by
	}
	return v
}

func slash(n int) Image {
	m := Image{Channels: 1, Height: n, Width: n, Pixels: make([]float64, n*n)}
	for i := range n {
		m.Pixels[i*n+n-1-i] = 1
	}
	return m
}

func rainbow(n int) Image {
	m := Image{Channels: 3, Height: n, Width: n, Pixels: make([]float64, 3*n*n)}
	for i := range n * n {
		m.Pixels[i] = float64(i%n) / float64(n)
		m.Pixels[n*n+i] = float64(i/n) / float64(n)
		m.Pixels[2*n*n+i] = 0.5
	}
	return m
}

// kinds is one figure of every kind, with text in every place that takes some.
func kinds(text string) map[string]View {
	t := func(s string) string { return text + s }
	signed := HeatMap{Title: t("attribution"), Values: ring(9, 9), Height: 9, Width: 9, Signed: true, Label: t("relevance"), Unit: t("logits")}
	half := signed
	half.Title, half.Values = t("half of it"), scaled(ring(9, 9), 0.5)
	matrix := HeatMap{
		Title: t("confusion"), Values: []float64{8, 2, math.NaN(), 9}, Height: 2, Width: 2,
		Rows: []string{t("cat"), t("dog")}, Columns: []string{t("cat"), t("dog")}, RowAxis: t("true"), ColumnAxis: t("predicted"), Numbers: true,
	}
	marked := rainbow(8)
	marked.Caption, marked.Marked = t("7 → 9"), true
	plain := slash(8)
	plain.Caption = t("7 → 7")
	table := Table{Title: t("classes"), Columns: []string{t("class"), "n", "F1"}, Rows: [][]any{{t("cat"), 120, 0.912}, {t("dog"), 7, math.NaN()}}, Note: t("n is the number of samples.")}
	views := map[string]View{
		"heatmap": signed.View(),
		"matrix":  matrix.View(),
		"overlay": Overlay{HeatMap: signed, Image: slash(9)}.View(),
		"photo":   Overlay{HeatMap: signed, Image: rainbow(18)}.View(),
		"maps":    Row(Overlay{HeatMap: signed, Image: rainbow(9)}.View(), Overlay{HeatMap: half, Image: rainbow(9)}.View(), matrix.View()),
		"image":   plain.View().Titled(t("input")),
		"grid":    ImageGrid{Title: t("mistakes"), Images: []Image{plain, marked, plain}}.View(),
		"bars":    Bars{Title: t("concepts"), Labels: []string{t("stem"), t("bar")}, Values: []float64{0.8, -0.3}, Errors: []float64{0.1, 0.05}, Highlight: []int{1}, Label: t("effect"), Unit: t("logits")}.View(),
		"columns": Bars{Title: t("counts"), Labels: []string{t("a"), t("b"), t("c")}, Values: []float64{5, 3, 1}, Vertical: true, Label: t("n")}.View(),
		"lines": Lines{Title: t("history"), XLabel: t("epoch"), YLabel: t("loss"), Series: []Series{
			{Name: t("train"), Y: []float64{2, 1, 0.5}}, {Name: t("test"), Y: []float64{2, 1.2, 0.9}, Low: []float64{1.8, 1, 0.7}, High: []float64{2.2, 1.4, 1.1}},
			{Name: t("chance"), Y: []float64{2.3, 2.3, 2.3}, Reference: true}}}.View(),
		"table":  table.View(),
		"row":    Row(plain.View().Titled(t("input")), signed.View()).Titled(t("one digit")),
		"column": Column(table.View(), table.View()),
	}
	maps.Copy(views, chartKinds(t))
	return views
}

func mustPNG(t *testing.T, v View) image.Image {
	t.Helper()
	data, err := v.PNG()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// onlyLight names the kinds whose dark form has nothing that others do not show.
var onlyLight = map[string]bool{
	"bars": true, "column": true, "columns": true, "frames": true, "grid": true, "image": true, "maps": true,
	"choice": true, "swipe": true, "sifted": true, "threshold": true,
	"matrix": true, "lit": true, "map": true, "overlay": true, "photo": true, "row": true, "shares": true, "table": true, "tables": true,
}

var regen = flag.Bool("regen", false, "write the golden pictures; look at them first")

func TestGolden(t *testing.T) {
	for name, v := range kinds("") {
		for _, theme := range []Theme{Light, Dark} {
			if theme == Dark && onlyLight[name] {
				continue
			}
			file := filepath.Join("testdata", fmt.Sprintf("%s_%v.png", name, theme))
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				data, err := v.In(theme).PNG()
				if err != nil {
					t.Fatal(err)
				}
				if *regen {
					if err := os.WriteFile(file, data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatalf("%v (-regen makes the pictures; look at them)", err)
				}
				if d := difference(t, data, want); d > 0.002 {
					got := filepath.Join(t.TempDir(), name+".png")
					os.WriteFile(got, data, 0o644)
					t.Errorf("%.2f %% of the pixels differ from %s", d*100, file)
				}
			})
		}
	}
}

// difference is the share of pixels that differ visibly. Other processors round
// differently, which moves the edges of letters by a shade.
func difference(t *testing.T, a, b []byte) float64 {
	t.Helper()
	x, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	y, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if x.Bounds() != y.Bounds() {
		t.Errorf("size is %v, want %v", x.Bounds().Size(), y.Bounds().Size())
		return 1
	}
	n := 0
	for py := range x.Bounds().Dy() {
		for pxl := range x.Bounds().Dx() {
			r1, g1, b1, _ := x.At(pxl, py).RGBA()
			r2, g2, b2, _ := y.At(pxl, py).RGBA()
			if far(r1, r2) || far(g1, g2) || far(b1, b2) {
				n++
			}
		}
	}
	return float64(n) / float64(x.Bounds().Dx()*x.Bounds().Dy())
}

func far(a, b uint32) bool { return max(a, b)-min(a, b) > 0x1800 }

func TestSameBytesEveryTime(t *testing.T) {
	t.Parallel()
	again := kinds("")
	for name, v := range kinds("") {
		a, errA := v.Bundle()
		b, errB := again[name].Bundle()
		if errA != nil || errB != nil {
			t.Fatal(name, errA, errB)
		}
		var ha, hb string
		if len(v.parts) > 0 || !v.isHTML() && len(a.PNG) < 20_000 { // the others only put the picture into the same frame
			ha, hb = must(v.HTML()), must(again[name].HTML())
		}
		if !bytes.Equal(a.PNG, b.PNG) || !bytes.Equal(a.SVG, b.SVG) || a.HTML != b.HTML || a.Text != b.Text || a.Alt != b.Alt || ha != hb {
			t.Errorf("%s: two renders differ", name)
		}
	}
}

func TestEveryFigureIsComplete(t *testing.T) {
	t.Parallel()
	for name, v := range kinds("") {
		b, err := v.Bundle()
		if err != nil {
			t.Fatal(name, err)
		}
		html := htmlOf(v, b)
		if b.Alt == "" || b.Text == "" || b.Name == "" || b.Name == "figure" {
			t.Errorf("%s: alt %q, text %q, name %q; none may be empty", name, b.Alt, b.Text, b.Name)
		}
		if b.Width < 50 || b.Width > 900 || b.Height < 50 {
			t.Errorf("%s: display size %dx%d, want at most 900 wide", name, b.Width, b.Height)
		}
		isTable := v.isHTML()
		if isTable && b.HTML == "" || (b.SVG == nil) != (isTable || name == "map") {
			t.Errorf("%s: HTML of %d and SVG of %d bytes; tables carry HTML, pictures SVG, unless it would be an image itself", name, len(b.HTML), len(b.SVG))
		}
		if alt := ` alt="` + template.HTMLEscapeString(b.Alt) + `"`; !isTable && (!strings.Contains(b.HTML, alt) || strings.Count(b.HTML, "<") != 1) {
			t.Errorf("%s: the picture in the HTML has not the alternative text: %s", name, b.HTML[max(0, len(b.HTML)-300):])
		}
		if small := len(b.SVG) > 0 && len(b.SVG) <= svgLimit; !isTable && small != strings.Contains(b.HTML, "image/svg+xml") {
			t.Errorf("%s: an SVG of %d bytes, and HTML of %d: %.30s", name, len(b.SVG), len(b.HTML), b.HTML)
		}
		if all := len(b.HTML) + len(b.PNG)*4/3 + len(b.Text); all > figureLimit {
			t.Errorf("%s: %d bytes in a notebook", name, all)
		}
		forms := map[string]string{"HTML": html}
		if name == "table" || name == "column" {
			forms["page"] = must(v.page())
		}
		for what, s := range forms {
			s = withoutOurs(s)
			if strings.Contains(s, "http") || strings.Contains(s, "<script") || strings.Contains(s, "//") && !strings.Contains(s, "base64,") {
				t.Errorf("%s: %s refers to the outside:\n%s", name, what, s)
			}
		}
		if !isTable && !strings.Contains(html, `alt="`) {
			t.Errorf("%s: HTML picture without alt", name)
		}
		if svg, _ := v.SVG(); !bytes.Contains(svg, []byte(`role="img"`)) || !bytes.Contains(svg, []byte("<title>")) || !bytes.Contains(svg, []byte("<desc>")) {
			t.Errorf("%s: SVG without role, title or desc", name)
		}
	}
}

// withoutOurs takes the scripts out that this package wrote, each of which may be there once.
func withoutOurs(html string) string {
	for _, s := range scripts() {
		html = strings.Replace(html, string(must(s.tag())), "", 1)
	}
	return html
}

// scripts returns all that there are.
func scripts() (all []script) {
	for _, file := range must(fs.Glob(templateFiles, "html/*.js")) {
		all = append(all, script(strings.TrimSuffix(path.Base(file), ".js")))
	}
	return all
}

// htmlOf is v.HTML, without making what the bundle has.
func htmlOf(v View, b Bundle) string {
	if b.HTML != "" && v.isHTML() {
		return b.HTML
	}
	return must(v.HTML())
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Scripts are small, and come once however many figures bring them along.
func TestScripts(t *testing.T) {
	for _, s := range scripts() {
		most := 2500
		switch s {
		case canvasScript:
			most = 5000
		case treeScript:
			most = 4000
		}
		tag := string(must(s.tag()))
		if n := len(tag); n > most {
			t.Errorf("script %s has %d bytes, want at most %d", s, n, most)
		}
		if n := strings.Count(strings.ToLower(tag), "</script"); n != 1 {
			t.Errorf("script %s ends %d times", s, n)
		}
	}
	table := rankedClasses(strings.Clone)
	for name, html := range map[string]string{"one": must(table.View().HTML()), "two": must(Column(table.View(), table.View()).HTML()), "page": must(report(strings.Clone).View().HTML())} {
		want := map[string]int{"one": 1, "two": 1, "page": 2}[name]
		if n := strings.Count(html, "<script"); n != want {
			t.Errorf("%s: %d scripts", name, n)
		}
		ids := regexp.MustCompile(`\bid="([^"]*)"`).FindAllStringSubmatch(html, -1)
		seen := make(map[string]bool)
		for _, id := range ids {
			if seen[id[1]] {
				t.Errorf("%s: two elements have id %s", name, id[1])
			}
			seen[id[1]] = true
		}
	}
	table.Plain = true
	if html := must(table.View().HTML()); strings.Contains(html, "<script") || strings.Contains(html, "whybook-sort") {
		t.Error("a plain table brings a script")
	}
}

// A user's text must reach the reader, but never as markup.
func TestHostileText(t *testing.T) {
	t.Parallel()
	const hostile = "<script>alert('1')</script>\"&'\x00\x1b[31m\u202e\xff😀 שלום عربي 中文\n"
	id := regexp.MustCompile(`wb-[0-9a-f]{12}`)
	for name, v := range kinds(hostile) {
		b, err := v.In(Dark).Bundle()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		html := htmlOf(v.In(Dark), b)
		svg, err := v.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if len(b.PNG) > 220_000 {
			t.Errorf("%s: PNG has %d bytes", name, len(b.PNG))
		}
		for what, s := range map[string]string{"HTML": html, "SVG": string(svg)} {
			if strings.Contains(withoutOurs(s), "<script") {
				t.Errorf("%s: %s holds a script tag", name, what)
			}
			if !strings.Contains(s, "&lt;script&gt;") {
				t.Errorf("%s: %s lost the user's text", name, what)
			}
		}
		for what, s := range map[string]string{"HTML": html, "SVG": string(svg), "text": b.Text, "alt": b.Alt} {
			if i := strings.IndexAny(s, "\x00\x1b\u202e"); i >= 0 {
				t.Errorf("%s: %s holds control character %q at %d", name, what, s[i], i)
			}
			if strings.ToValidUTF8(s, "?") != s {
				t.Errorf("%s: %s is not valid UTF-8", name, what)
			}
		}
		if err := wellFormed(svg); err != nil {
			t.Errorf("%s: SVG: %v", name, err)
		}
		if !id.MatchString(html) {
			t.Errorf("%s: HTML has no id", name)
		}
		if strings.ContainsAny(b.Name, "<>/\\\"'& \n") {
			t.Errorf("%s: name %q is no safe file name", name, b.Name)
		}
	}
}

func TestErrors(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	ok := slash(3)
	tests := []struct {
		give View
		is   error
		says string
	}{
		{View{}, ErrEmpty, "zero value"},
		{HeatMap{}.View(), ErrEmpty, "0x0"},
		{HeatMap{Values: []float64{1}, Height: 1, Width: 2}.View(), ErrSize, "1 values for 1x2"},
		{HeatMap{Values: []float64{1, inf}, Height: 1, Width: 2}.View(), ErrNotFinite, "value 1 is +Inf"},
		{HeatMap{Values: []float64{1, 1e301}, Height: 1, Width: 2}.View(), ErrNotFinite, "1e+301"},
		{HeatMap{Values: []float64{1}, Height: 1, Width: 1, Clip: 101}.View(), ErrNotFinite, "Clip is 101"},
		{HeatMap{Values: []float64{1}, Height: 1, Width: 1, Limit: -1}.View(), ErrNotFinite, "Limit is -1"},
		{HeatMap{Values: []float64{1}, Height: 1, Width: 1, Rows: []string{"a", "b"}}.View(), ErrSize, "2 row names"},
		{HeatMap{Values: []float64{1}, Height: 1, Width: 1, Columns: []string{}}.View(), ErrSize, "0 column names"},
		{Overlay{HeatMap: HeatMap{Values: []float64{1}, Height: 1, Width: 1}}.View(), ErrEmpty, "render.Overlay: image size"},
		{Overlay{Image: ok}.View(), ErrEmpty, "render.Overlay"},
		{Image{Pixels: []float64{1, 2, 3, 4}, Channels: 2, Height: 1, Width: 2}.View(), ErrSize, "2 channels"},
		{Image{Pixels: []float64{255}, Channels: 1, Height: 1, Width: 1}.View(), ErrNotFinite, "divide bytes by 255"},
		{Image{Pixels: []float64{nan}, Channels: 1, Height: 1, Width: 1}.View(), ErrNotFinite, "NaN"},
		{Image{Pixels: []float64{1, 1}, Channels: 1, Height: 1, Width: 1}.View(), ErrSize, "needs 1"},
		{ImageGrid{}.View(), ErrEmpty, "no images"},
		{ImageGrid{Images: []Image{ok, {}}}.View(), ErrEmpty, "image 1"},
		{ImageGrid{Images: []Image{ok}, Columns: -1}.View(), ErrSize, "Columns is -1"},
		{Bars{}.View(), ErrEmpty, "no values"},
		{Bars{Labels: []string{"a"}, Values: []float64{1, 2}}.View(), ErrSize, "1 labels for 2"},
		{Bars{Labels: []string{"a"}, Values: []float64{nan}}.View(), ErrNotFinite, "value 0 is NaN"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, Errors: []float64{-1}}.View(), ErrNotFinite, "error bar 0 is -1"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, Errors: []float64{}}.View(), ErrSize, "0 error bars"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, Highlight: []int{1}}.View(), ErrSize, "bar 1 of 1"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, Low: []float64{0}}.View(), ErrSize, "intervals need 1 lower and 1 upper"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, Low: []float64{2}, High: []float64{3}}.View(), ErrNotFinite, "leaves out its value 1"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, Low: []float64{0}, High: []float64{nan}}.View(), ErrNotFinite, "upper end 0 is NaN"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, Errors: []float64{0}, Low: []float64{0}, High: []float64{2}}.View(), ErrSize, "choose one"},
		{Bars{Labels: []string{"a"}, Values: []float64{1}, References: []Reference{{"x", inf}}}.View(), ErrNotFinite, "reference 0"},
		{StackedBars{Labels: []string{"a"}}.View(), ErrEmpty, "1 bar of 0 segments"},
		{StackedBars{Labels: []string{"a"}, Segments: []Segment{{Name: "s"}}}.View(), ErrSize, "0 values for 1 bars"},
		{StackedBars{Labels: []string{"a"}, Segments: []Segment{{Values: []float64{-1}}}}.View(), ErrNotFinite, "must not be negative"},
		{StackedBars{Labels: []string{"a"}, Segments: []Segment{{Values: []float64{1}, Colours: []color.Color{}}}}.View(), ErrSize, "0 colours for 1 bars"},
		{StackedBars{Labels: []string{"a"}, Segments: []Segment{{Values: []float64{1}, Colours: []color.Color{nil}}}}.View(), ErrEmpty, "colour 0 is nil"},
		{StackedBars{Labels: []string{"a"}, Segments: []Segment{{Values: []float64{1e300}}, {Values: []float64{1e300}}}}.View(), ErrNotFinite, "add up"},
		{StackedBars{Labels: []string{"a"}, Segments: []Segment{{Values: []float64{1}}}, Line: &Curve{Values: []float64{nan}}}.View(), ErrNotFinite, "line: value 0 is NaN"},
		{Scatter{}.View(), ErrEmpty, "no points"},
		{Scatter{X: []float64{1}, Y: []float64{1, 2}}.View(), ErrSize, "1 x for 2 y"},
		{Scatter{X: []float64{1}, Y: []float64{nan}}.View(), ErrNotFinite, "y 0 is NaN"},
		{Scatter{X: make([]float64, 20_001), Y: make([]float64, 20_001)}.View(), ErrSize, "draw a sample"},
		{Scatter{X: []float64{1}, Y: []float64{1}, Group: []int{0}}.View(), ErrSize, "go together"},
		{Scatter{X: []float64{1}, Y: []float64{1}, Group: []int{1}, Groups: []string{"a"}}.View(), ErrSize, "group 1 of 1"},
		{Scatter{X: []float64{1}, Y: []float64{1}, Hollow: []bool{}}.View(), ErrSize, "Hollow has 0"},
		{Scatter{X: []float64{1}, Y: []float64{1}, Marked: []Mark{{Point: -1}}}.View(), ErrSize, "point -1 of 1"},
		{Scatter{X: []float64{1}, Y: []float64{1}, Links: [][2]int{{0, 1}}}.View(), ErrSize, "link 0 connects points 0 and 1"},
		{Tree{}.View(), ErrEmpty, "no nodes"},
		{Tree{Nodes: []TreeNode{{}}, Depth: 7}.View(), ErrSize, "Depth is 7"},
		{Tree{Nodes: []TreeNode{{Counts: []float64{1}}}}.View(), ErrSize, "1 values for 0 classes"},
		{Tree{Nodes: []TreeNode{{Children: []int{1}, Edges: []string{"a", "b"}}, {}}}.View(), ErrSize, "2 edge labels for 1 children"},
		{Tree{Nodes: []TreeNode{{Children: []int{1}}}}.View(), ErrSize, "has child 1"},
		{Tree{Nodes: []TreeNode{{Children: []int{0}}}}.View(), ErrSize, "root as its child"},
		{Tree{Nodes: []TreeNode{{Children: []int{1, 1}}, {}}}.View(), ErrSize, "child of both 0 and 0"},
		{Tree{Nodes: []TreeNode{{}, {Children: []int{2}}, {Children: []int{1}}}}.View(), ErrSize, "node 1 cannot be reached"},
		{Tree{Nodes: []TreeNode{{}}, Path: []int{1}}.View(), ErrSize, "node 1 of 1"},
		{Flow{}.View(), ErrEmpty, "0 columns and 0 bands"},
		{Flow{Columns: []FlowColumn{{}, {}}, Bands: []Band{{}}}.View(), ErrSize, "column 0 (\"\") has 0 nodes"},
		{Flow{Columns: []FlowColumn{{Nodes: []string{"a"}}, {Nodes: []string{"b"}}}, Bands: []Band{{Column: 1}}}.View(), ErrSize, "starts in column 1"},
		{Flow{Columns: []FlowColumn{{Nodes: []string{"a"}}, {Nodes: []string{"b"}}}, Bands: []Band{{From: 1}}}.View(), ErrSize, "node 1 of 1 in column 0"},
		{Flow{Columns: []FlowColumn{{Nodes: []string{"a"}}, {Nodes: []string{"b"}}}, Bands: []Band{{To: -1}}}.View(), ErrSize, "node -1 of 1 in column 1"},
		{Flow{Columns: []FlowColumn{{Nodes: []string{"a"}}, {Nodes: []string{"b"}}}, Bands: []Band{{Count: nan}}}.View(), ErrNotFinite, "NaN"},
		{Flow{Columns: []FlowColumn{{Nodes: []string{"a"}}, {Nodes: []string{"b"}}}, Bands: []Band{{Count: 0}}}.View(), ErrEmpty, "all counts are 0"},
		{Flow{Columns: []FlowColumn{{Nodes: []string{"a"}}, {Nodes: []string{"b"}}}, Bands: []Band{{Count: 1e300}, {Count: 1e300}}}.View(), ErrNotFinite, "adds up"},
		{Canvas{}.View(), ErrEmpty, "no images"},
		{Canvas{Thumbs: make([]Thumb, 5001)}.View(), ErrSize, "draw a sample"},
		{Canvas{Thumbs: []Thumb{{}}}.View(), ErrEmpty, "image 0: image size is 0x0"},
		{Canvas{Thumbs: []Thumb{{Image: ok}}, Side: 8}.View(), ErrSize, "Side is 8"},
		{Canvas{Thumbs: []Thumb{{Image: ok, Cluster: 1}}}.View(), ErrSize, "cluster 1 of 1"},
		{Canvas{Thumbs: []Thumb{{Image: ok, X: nan}}}.View(), ErrNotFinite, "x 0 is NaN"},
		{Frames{}.View(), ErrEmpty, "0 views"},
		{Frames{Views: []View{ok.View(), ok.View()}, Labels: []string{"a"}}.View(), ErrSize, "1 labels for 2 views"},
		{Frames{Views: []View{ok.View(), {}}}.View(), ErrEmpty, "view 1"},
		{Choice{}.View(), ErrEmpty, "0 views"},
		{Choice{Views: []View{ok.View(), ok.View()}, Start: 2}.View(), ErrSize, "Start is view 2 of 2 (0-1)"},
		{Choice{Views: []View{ok.View(), {}}}.View(), ErrEmpty, "render.Choice: view 1"},
		{Swipe{Left: ok.View()}.View(), ErrEmpty, "render.Swipe: view 1"},
		{Swipe{Left: ok.View(), Right: Table{Columns: []string{"a"}}.View()}.View(), ErrSize, "view 1 is best shown as HTML"},
		{Swipe{Left: ok.View(), Right: Bars{Labels: []string{"a"}, Values: []float64{1}}.View()}.View(), ErrSize, "pixels wide; they must be equal"},
		{Threshold{}.View(), ErrEmpty, "render.Threshold"},
		{Threshold{Of: ok.View()}.View(), ErrSize, "neither a heat map nor bars"},
		{Threshold{Of: Bars{Labels: []string{"a"}, Values: []float64{1}}.View(), Start: -1}.View(), ErrNotFinite, "Start is -1"},
		{Threshold{Of: Bars{Labels: []string{"a"}, Values: []float64{1}}.View(), Start: nan}.View(), ErrNotFinite, "Start is NaN"},
		{Page{Title: "t"}.View(), ErrEmpty, "no sections"},
		{Page{Sections: []Section{{}}}.View(), ErrEmpty, "section 0 has no heading"},
		{Page{Sections: []Section{{Heading: "h", Views: []View{Bars{}.View()}}}}.View(), ErrEmpty, `section 0 ("h"): view 0: render.Bars`},
		{Lines{}.View(), ErrEmpty, "no series"},
		{Lines{Series: []Series{{Name: "loss"}}}.View(), ErrEmpty, `"loss"`},
		{Lines{Series: []Series{{Y: []float64{1}, X: []float64{1, 2}}}}.View(), ErrSize, "2 x for 1 y"},
		{Lines{Series: []Series{{Y: []float64{nan}}}}.View(), ErrNotFinite, "y 0 is NaN"},
		{Lines{Series: []Series{{Y: []float64{1}, Low: []float64{1}}}}.View(), ErrSize, "band"},
		{Table{}.View(), ErrEmpty, "no columns"},
		{Table{Columns: []string{"a"}, Rows: [][]any{{1, 2}}}.View(), ErrSize, "row 0 has 2 cells"},
		{Table{Columns: []string{"a"}, Foot: []any{1, 2}}.View(), ErrSize, "the foot has 2 cells"},
		{Table{Columns: []string{"a"}, Shadings: []Shading{{}}}.View(), ErrEmpty, "shading 0: no columns"},
		{Table{Columns: []string{"a"}, Shadings: []Shading{{Columns: []int{1}}}}.View(), ErrSize, "no column 1 (0-0)"},
		{Table{Columns: []string{"a"}, Rows: [][]any{{"x"}}, Shadings: []Shading{{Columns: []int{0}}}}.View(), ErrNotFinite, "no numbers"},
		{Table{Columns: []string{"a"}, Rows: [][]any{{1}}, Shadings: []Shading{{Columns: []int{0}, Low: 2, High: 1}}}.View(), ErrNotFinite, "Low must be below High"},
		{Row(), ErrEmpty, "render.Row"},
		{Column(ok.View(), HeatMap{}.View()), ErrEmpty, "view 1"},
		{Failed(os.ErrNotExist), os.ErrNotExist, "not exist"},
		{Failed(nil), nil, "no error given"},
	}
	for _, test := range tests {
		err := test.give.Err()
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("error is %v; want %v, saying %q", err, test.is, test.says)
			continue
		}
		// Every way out gives the same error, and no way panics.
		v := test.give.Titled("x").Named("y").In(Dark)
		_, e1 := v.PNG()
		_, e2 := v.SVG()
		_, e3 := v.HTML()
		_, e4 := v.Bundle()
		_, e5 := Dir(t.TempDir()).Save(v)
		for i, e := range []error{e1, e2, e3, e4} {
			if e == nil || e.Error() != err.Error() {
				t.Errorf("format %d gives %v, want %v", i, e, err)
			}
		}
		if e5 == nil || !strings.Contains(e5.Error(), err.Error()) {
			t.Errorf("Save gives %v, want %v", e5, err)
		}
		if v.Alt() != "" || v.Text() != err.Error()+"\n" {
			t.Errorf("alt %q and text %q of a view with error %v", v.Alt(), v.Text(), err)
		}
	}
}

// The constructors copy what they keep: a view does not change with its source.
func TestViewsAreImmutable(t *testing.T) {
	values := ring(9, 9)
	v := HeatMap{Values: values, Height: 9, Width: 9, Signed: true}.View()
	before := must(v.PNG())
	for i := range values {
		values[i] = 5
	}
	v.Titled("other").Named("other").In(Dark)
	if after := must(v.PNG()); !bytes.Equal(before, after) || v.Title() != "" || v.Name() != "figure" {
		t.Error("the view changed with the slice it was made from, or with a copy of it")
	}
}

// In the PNG, each cell of a map is one flat rectangle of its colour, with row 0 on top.
func TestPixelsAreCrispAndUpright(t *testing.T) {
	v := HeatMap{Values: []float64{-1, 0, 1, 1, 0, 0}, Height: 3, Width: 2, Signed: true}.View()
	img := mustPNG(t, v)
	f := v.fig.(heatFigure)
	l := f.layout(pageWidth)
	cell := int(l.w/px) * 2 / 2 // device pixels: 2 columns at twice the CSS size
	x0, y0 := 20, 24            // margin of 10 and frame of 2 CSS pixels
	for i, value := range f.Values {
		want := f.scale.colour(value)
		for _, d := range [][2]int{{2, 2}, {cell / 2, cell / 2}, {cell - 3, cell - 3}} {
			x, y := x0+i%2*cell+d[0], y0+i/2*cell+d[1]
			if got := color.NRGBAModel.Convert(img.At(x, y)); got != want {
				t.Errorf("value %d (%v): pixel (%d,%d) is %v, want %v", i, value, x, y, got, want)
			}
		}
	}
	if want := (color.NRGBA{221, 221, 221, 255}); f.scale.colour(0) != want {
		t.Errorf("zero is %v, want Moreland's neutral %v", f.scale.colour(0), want)
	}
}

func TestOddMaps(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for name, m := range map[string]HeatMap{
		"one pixel": {Values: []float64{3}, Height: 1, Width: 1},
		"zeros":     {Values: make([]float64, 12), Height: 3, Width: 4},
		"constant":  {Values: []float64{7, 7, 7, 7}, Height: 2, Width: 2},
		"negative":  {Values: []float64{-7, -7, -6, -5}, Height: 2, Width: 2},
		"all NaN":   {Values: []float64{nan, nan}, Height: 1, Width: 2},
		"row":       {Values: ring(1, 784), Height: 1, Width: 784},
		"column":    {Values: ring(784, 1), Height: 784, Width: 1},
		"huge":      {Values: []float64{-1e300, 1e300}, Height: 1, Width: 2},
		"tiny":      {Values: []float64{5e-324, 0, 1e-310, 1e-308}, Height: 2, Width: 2},
		"close":     {Values: []float64{1, 1 + 1e-15}, Height: 1, Width: 2},
		"large":     {Values: ring(600, 700), Height: 600, Width: 700},
		"numbers":   {Values: []float64{1e-9, 12345678, -1, nan}, Height: 2, Width: 2, Numbers: true},
	} {
		for _, signed := range []bool{false, true} {
			m.Signed = signed
			v := m.View()
			b, err := v.Bundle()
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			f := v.fig.(heatFigure)
			if !(f.scale.hi > f.scale.lo) {
				t.Errorf("%s: colours run from %v to %v", name, f.scale.lo, f.scale.hi)
			}
			if n := len(ticks(f.scale.lo, f.scale.hi, 6)); n < 2 || n > 12 {
				t.Errorf("%s: %d ticks on the colour bar", name, n)
			}
			if b.Width > 900 || b.Height > 900 {
				t.Errorf("%s: %dx%d", name, b.Width, b.Height)
			}
			if strings.Contains(b.Alt, "NaN (") || strings.Contains(b.Alt, "Inf") {
				t.Errorf("%s: alt %q", name, b.Alt)
			}
		}
	}
}

func TestClippingIsSaid(t *testing.T) {
	m := HeatMap{Values: make([]float64, 400), Height: 20, Width: 20, Signed: true}
	for i := range m.Values {
		m.Values[i] = float64(i%11) - 5
	}
	m.Values[7] = 100
	f := m.View().fig.(heatFigure)
	if f.scale.hi != 5 || f.scale.lo != -5 {
		t.Errorf("colours run from %v to %v, want -5 to 5, percentile 99", f.scale.lo, f.scale.hi)
	}
	if text := m.View().Text(); !strings.Contains(text, "Colours end at ±5, percentile 99") || !strings.Contains(strings.Join(strings.Fields(text), " "), "largest value is 100") {
		t.Errorf("text does not say that colours are clipped:\n%s", text)
	}
	m.Clip = 100
	if f := m.View().fig.(heatFigure); f.scale.hi != 100 || len(f.footnotes()) != 0 {
		t.Errorf("with Clip 100, colours end at %v, notes %q", f.scale.hi, f.footnotes())
	}
	m.Clip, m.Limit = 0, 50
	if text := m.View().Text(); !strings.Contains(text, "±50, a fixed limit") {
		t.Errorf("text does not name the limit:\n%s", text)
	}
}

func TestAltSpeaksFromTheNumbers(t *testing.T) {
	values := make([]float64, 400)
	values[12*20+9] = 0.83
	values[3*20+4] = -0.17
	v := HeatMap{Title: "Digit", Values: values, Height: 20, Width: 20, Signed: true, Label: "attribution"}.View()
	want := "Digit. Heat map of 20 by 20 values, attribution. Highest at row 12, column 9 (0.83), lowest at row 3, column 4 (-0.17); 100 % of the absolute mass in the 10 % strongest cells."
	if v.Alt() != want {
		t.Errorf("alt is\n%s\nwant\n%s", v.Alt(), want)
	}
	for _, says := range []string{"Positive values carry 83 %", "row 10.5, column 8.2"} {
		if !strings.Contains(v.Text(), says) {
			t.Errorf("text lacks %q:\n%s", says, v.Text())
		}
	}
}

func TestRowKeepsToThePage(t *testing.T) {
	t.Parallel()
	one := HeatMap{Title: "A title of a few words", Values: ring(28, 28), Height: 28, Width: 28, Signed: true}.View()
	for n := 1; n <= 9; n++ {
		var views []View
		for range n {
			views = append(views, one)
		}
		b, err := Row(views...).Bundle()
		if err != nil {
			t.Fatal(err)
		}
		if b.Width > 900 {
			t.Errorf("row of %d is %d wide", n, b.Width)
		}
		if len(b.PNG) > 220_000 {
			t.Errorf("row of %d has %d bytes", n, len(b.PNG))
		}
	}
	// Pictures of one line have one size, with and without a colour bar.
	r := Row(slash(28).View(), one, one).fig.(row)
	l := r.lines(880 * px)
	if len(l) != 1 || l[0].cells[1].w != l[0].cells[2].w {
		t.Errorf("three views take %d lines", len(l))
	}
}

func TestBundleStaysSmall(t *testing.T) {
	t.Parallel()
	noise := Image{Channels: 3, Height: 200, Width: 200, Pixels: make([]float64, 3*200*200)}
	state := uint32(1)
	for i := range noise.Pixels {
		state = state*1664525 + 1013904223
		noise.Pixels[i] = float64(state>>8) / (1 << 24)
	}
	g := ImageGrid{Title: "noise"}
	for range 16 {
		g.Images = append(g.Images, noise)
	}
	b, err := g.View().Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.HTML) + len(b.PNG)*4/3 + len(b.Text); n > 300_000 || b.SVG != nil || !strings.Contains(b.HTML, "data:image/png") {
		t.Errorf("16 images of noise take %d bytes, of which %d are HTML, and an SVG of %d", n, len(b.HTML), len(b.SVG))
	}
	if _, err := g.View().encodePNG(10_000, 10_000); err == nil || !strings.Contains(err.Error(), "the limit is 10 kB; show fewer") {
		t.Errorf("noise in 10 kB: %v", err)
	}
	if out, err := g.View().squeezePNG(10_000); err != nil || len(out) > pngLimit {
		t.Errorf("noise in 10 kB or more: %v, %d bytes", err, len(out))
	}
	table := Table{Columns: []string{"i", "text"}}
	for i := range 3000 {
		table.Rows = append(table.Rows, []any{i, strings.Repeat("word ", 20)})
	}
	if b, err = table.View().Bundle(); err != nil {
		t.Fatal(err)
	}
	if n := len(b.HTML) + len(b.Text) + len(b.PNG)*4/3; n > 300_000 {
		t.Errorf("a long table takes %d bytes", n)
	}
	for what, s := range map[string]string{"HTML": b.HTML, "text": b.Text} {
		if !strings.Contains(s, "2800 more rows, 3000 in all") {
			t.Errorf("%s does not say that rows are left out", what)
		}
	}
}

func TestDir(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "out")
	views := kinds("")
	paths, err := Dir(folder).Save(views["heatmap"], views["heatmap"].In(Dark), views["table"].Named("My Table/1"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
		if info, err := os.Stat(p); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v %v", p, info, err)
		}
	}
	want := "attribution.png attribution.svg attribution-2.png attribution-2.svg my-table-1.png my-table-1.svg my-table-1.txt my-table-1.html"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("saved %s\nwant  %s", got, want)
	}
	if _, err := Dir(folder).Save(views["heatmap"]); err != nil {
		t.Error("saving again:", err)
	}
	entries, _ := os.ReadDir(folder)
	if len(entries) != 8 {
		t.Errorf("%d files in the folder, want 8 and no temporary ones", len(entries))
	}
	blocked := filepath.Join(t.TempDir(), "file")
	os.WriteFile(blocked, nil, 0o644)
	if _, err := Dir(blocked).Save(views["heatmap"]); err == nil || !strings.Contains(err.Error(), blocked) {
		t.Errorf("error %v does not name the path %s", err, blocked)
	}
	taken := t.TempDir()
	os.Mkdir(filepath.Join(taken, "attribution.svg"), 0o755)
	paths, err = Dir(taken).Save(views["heatmap"])
	if err == nil || len(paths) != 1 || !strings.Contains(err.Error(), "attribution.svg") {
		t.Errorf("paths %v, error %v; want the PNG, and an error that names the SVG", paths, err)
	}
	if entries, _ := os.ReadDir(taken); len(entries) != 2 {
		t.Errorf("%d entries, want the PNG and the blocking folder only", len(entries))
	}
}

func TestTableFormats(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		give []any
		want []string
	}{
		{[]any{0.5, 0.25, 1.0}, []string{"0.50", "0.25", "1.00"}},
		{[]any{1.0, 2.0, math.Copysign(0, -1)}, []string{"1", "2", "0"}},
		{[]any{1.0, 0.4, -0.3}, []string{"1.0", "0.4", "-0.3"}},
		{[]any{nan, 3.0, 0.5}, []string{"–", "3.0", "0.5"}},
		{[]any{123.456, 0.01, nil}, []string{"123.5", "0.0", ""}},
		{[]any{1e-9, 1.0}, []string{"0", "1"}},
		{[]any{1e-9, 2e-7}, []string{"1e-9", "2e-7"}},
		{[]any{1e9, 1.5}, []string{"1e9", "1.5"}},
		{[]any{nan, math.Inf(-1), 2.5}, []string{"–", "-∞", "2.5"}},
		{[]any{1, uint8(2), int64(-3)}, []string{"1", "2", "-3"}},
		{[]any{"a\nb", true, nil}, []string{"a b", "true", ""}},
		{[]any{Dark, float32(0.5)}, []string{"dark", "0.5"}},
	} {
		got, _ := formatColumn(test.give)
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%v is shown as %q, want %q", test.give, got, test.want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{0, 1, 5, "0 0.2 0.4 0.6 0.8 1.0"},
		{-0.86, 0.86, 5, "-0.5 0 0.5"},
		{-0.86, 0.86, 8, "-0.75 -0.50 -0.25 0 0.25 0.50 0.75"},
		{0, 5000, 6, "0 1000 2000 3000 4000 5000"},
		{1e8, 3e8, 4, "1.0e8 1.5e8 2.0e8 2.5e8 3.0e8"},
		{-4e-12, 4e-12, 4, "-4e-12 -2e-12 0 2e-12 4e-12"},
		{3, 3, 5, "3"},
		{1, math.Nextafter(1, 2), 5, "1 1"},
	} {
		var labels []string
		for _, k := range ticks(test.lo, test.hi, test.n) {
			labels = append(labels, k.label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("ticks(%v, %v, %d) are %q, want %q", test.lo, test.hi, test.n, got, test.want)
		}
	}
}

func TestVisualOrder(t *testing.T) {
	for give, want := range map[string]string{
		"abc":           "abc",
		"שלום":          "םולש",
		"a שלום עולם b": "a םלוע םולש b",
	} {
		if got := visual(give); got != want {
			t.Errorf("%q is drawn as %q, want %q", give, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("plain")
	f.Add("<script>\x00\xff\u202e😀")
	f.Add(strings.Repeat("w", 4000))
	f.Fuzz(func(t *testing.T, s string) {
		v := Bars{Title: s, Labels: []string{s, "b"}, Values: []float64{1, 2}, Label: s}.View()
		svg, err := v.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if err := wellFormed(svg); err != nil {
			t.Fatalf("%q gives a broken SVG: %v", s, err)
		}
		visual(drawable(body.face(), clean(s))) // the rest of a PNG does not depend on the text
		if n := slug(s); strings.ContainsAny(n, "/\\.<>:\"|?* ") || len(n) > 255 {
			t.Fatalf("%q gives the file name %q", s, n)
		}
	})
}

// BenchmarkKinds draws every kind of figure as a notebook shows it: the time, and the bytes.
func BenchmarkKinds(b *testing.B) {
	views := kinds("")
	for _, name := range slices.Sorted(maps.Keys(views)) {
		b.Run(name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				bundle, err := views[name].Bundle()
				if err != nil {
					b.Fatal(err)
				}
				size = len(bundle.HTML) + len(bundle.PNG)*4/3 + len(bundle.Text)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

func BenchmarkHeatMap(b *testing.B) {
	v := HeatMap{Title: "Integrated gradients", Values: ring(28, 28), Height: 28, Width: 28, Signed: true, Label: "attribution"}.View()
	b.Run("png", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.PNG(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bundle", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Bundle(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
