package render

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every figure is as wide on paper as it is asked to be, in every format, or says how wide it
// must be.
func TestPrint(t *testing.T) {
	t.Parallel()
	for name, v := range kinds("") {
		v = v.Print(DoubleColumn())
		if v.Err() != nil {
			t.Errorf("%s: %v", name, v.Err())
			continue
		}
		if name == "canvas" || name == "page" {
			continue // large, and made of the others
		}
		img := must(v.PNG())
		config := must(png.DecodeConfig(bytes.NewReader(img)))
		if want := 2161; config.Width < want || config.Width > want+8 { // 183 mm at 300 dpi
			t.Errorf("%s: PNG is %d wide, want %d", name, config.Width, want)
		}
		if i := bytes.Index(img, []byte("pHYs")); i != 37 {
			t.Errorf("%s: the density is at %d", name, i)
		} else if density := float64(int(img[i+4])<<24 | int(img[i+5])<<16 | int(img[i+6])<<8 | int(img[i+7])); float64(config.Width)/density < 0.18299 || float64(config.Width)/density > 0.18301 {
			t.Errorf("%s: the PNG is %v m wide", name, float64(config.Width)/density)
		}
		if _, err := png.Decode(bytes.NewReader(img)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if svg := must(v.SVG()); bytes.Count(svg[:400], []byte(`width="183mm"`)) != 1 || wellFormed(svg) != nil {
			t.Errorf("%s: SVG starts with %s", name, svg[:400])
		}
		if pdf := must(v.PDF()); !bytes.Contains(pdf, []byte("/MediaBox [0 0 518.74 ")) {
			t.Errorf("%s: PDF has %s", name, regexp.MustCompile(`/MediaBox[^]]*]`).Find(pdf))
		}
	}
}

func TestPrintRefuses(t *testing.T) {
	wide := Table{Columns: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}, Rows: [][]any{{"www", "www", "www", "www", "www", "www", "www", "www", "www", "www", "www"}}}.View()
	map8 := HeatMap{Values: ring(8, 8), Height: 8, Width: 8}.View()
	for says, v := range map[string]View{
		"Width is 10; it must be between 40 and 400 mm":                     map8.Print(Print{Width: 10}),
		"Text is 3; it must be":                                             map8.Print(Print{Width: 89, Text: 3}),
		"DPI is 9600; it must be":                                           map8.Print(Print{Width: 89, DPI: 9600}),
		`needs 100 mm with letters of 7 points, and there are 89; print it`: wide.Print(SingleColumn()),
	} {
		if err := v.Err(); !errors.Is(err, ErrSize) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v does not say %q", err, says)
		}
	}
	if err := (View{}).Print(SingleColumn()).Err(); !errors.Is(err, ErrEmpty) {
		t.Errorf("%v", err)
	}
	// The screen does not care.
	a, b := must(map8.Bundle()), must(map8.Print(SingleColumn()).Bundle())
	if !bytes.Equal(a.PNG, b.PNG) || a.Width != b.Width || !bytes.Equal(a.SVG, b.SVG) {
		t.Error("a notebook shows a figure differently if it is printed")
	}
}

// A PDF has the same bytes at every call, holds no date, and its text can be searched, whatever
// its letters.
func TestPDF(t *testing.T) {
	t.Parallel()
	for name, v := range kinds("Ω שלום ≥ ") {
		if name == "canvas" || name == "page" {
			continue
		}
		pdf := must(v.PDF())
		if !bytes.Equal(pdf, must(v.PDF())) {
			t.Errorf("%s: two PDFs differ", name)
		}
		for _, date := range regexp.MustCompile(`D:\d+`).FindAll(pdf, -1) {
			if string(date) != "D:19700101000000" {
				t.Errorf("%s: the date is %s", name, date)
			}
		}
		if len(pdf) > figureLimit {
			t.Errorf("%s: %d bytes", name, len(pdf))
		}
	}
	reader, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext on this machine")
	}
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := (Bars{Title: "Ωmega ≥ ж", Labels: []string{"first", "second"}, Values: []float64{1, 2}}).View().Save(file); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), reader, file, "-").Output()
	if err != nil || !strings.Contains(string(text), "Ωmega ≥ ж") || !strings.Contains(string(text), "second") {
		t.Errorf("%v: the PDF's text is %q", err, text)
	}
}

func TestSave(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	v := HeatMap{Title: "a", Values: ring(9, 9), Height: 9, Width: 9, Signed: true}.View()
	var paths []string
	for _, ext := range []string{"svg", "PNG", "pdf", "html", "txt"} {
		paths = append(paths, filepath.Join(folder, "a."+ext))
	}
	if err := v.Save(paths...); err != nil {
		t.Fatal(err)
	}
	for i, start := range []string{"<?xml", "\x89PNG", "%PDF-", "<!DOCTYPE html>", "a\n=\n"} {
		if data, err := os.ReadFile(paths[i]); err != nil || !strings.HasPrefix(string(data), start) {
			t.Errorf("%s starts with %q (%v)", paths[i], data[:min(len(data), 20)], err)
		}
	}
	if err := v.Save(filepath.Join(folder, "b.png"), "a.gif"); err == nil || !strings.Contains(err.Error(), `"a.gif": no format has the extension ".gif"; there are .png`) {
		t.Errorf("%v", err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 5 {
		t.Errorf("%d files, want the 5 that were asked for", len(entries))
	}
	if err := v.Save(filepath.Join(paths[0], "b.png")); err == nil || !strings.Contains(err.Error(), "b.png") {
		t.Errorf("%v", err)
	}
	if err := (View{}).Save("a.png"); !errors.Is(err, ErrEmpty) {
		t.Errorf("%v", err)
	}
}

func ExampleView_Print() {
	v := Bars{Title: "Two methods", Labels: []string{"gradient", "integrated gradients"}, Values: []float64{0.4, 0.7}}.View()
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	err = v.Titled("").Print(SingleColumn()).Save(filepath.Join(folder, "fig1.pdf"), filepath.Join(folder, "fig1.png"))
	files, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, f := range files {
		fmt.Println(filepath.Base(f))
	}
	fmt.Println(err)
	// Output:
	// fig1.pdf
	// fig1.png
	// <nil>
}
