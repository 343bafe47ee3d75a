package jupyter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// notebook returns a notebook of code cells.
func notebook(cells ...string) *Notebook {
	nb := &Notebook{Minor: 5, Metadata: map[string]any{}}
	for _, source := range cells {
		nb.Cells = append(nb.Cells, Cell{Type: Code, Source: source})
	}
	nb.completeIDs()
	return nb
}

// testdata/jupyter.ipynb was written by nbformat 5.11.1, Jupyter's own library.
func TestRoundTripKeepsJupytersBytes(t *testing.T) {
	path := filepath.Join("testdata", "jupyter.ipynb")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := nb.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("reading and writing changed the file to:\n%s", got)
	}
	if nb.KernelName() != "gonb" || nb.Language() != "go" {
		t.Errorf("kernel %q of language %q, want gonb of go", nb.KernelName(), nb.Language())
	}
	cell := nb.Cells[1]
	if !cell.Tagged("raises-exception") || cell.Tagged("other") || cell.Source != "%%\nfmt.Println(1)\n" {
		t.Errorf("code cell is %+v", cell)
	}
	if html := cell.Outputs[1].Data["text/html"]; html != "<b>x</b>\n<i>y</i>" {
		t.Errorf("HTML is %q, want one string", html)
	}
}

func TestParseKeepsWhatItDoesNotKnow(t *testing.T) {
	const file = `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": null,
   "future": {
    "x": 1e400
   },
   "metadata": {},
   "outputs": [
    {
     "name": "stdout",
     "note": true,
     "output_type": "stream",
     "text": []
    }
   ],
   "source": []
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 2,
 "signature": "abc"
}
`
	nb, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := nb.Encode()
	if err != nil || string(got) != file {
		t.Errorf("error %v, file became:\n%s", err, got)
	}
}

func TestParseGivesMissingIDsThatRepeat(t *testing.T) {
	file := `{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[
		{"cell_type":"raw","source":"a"},{"cell_type":"raw","source":"b","id":"cell-1"},{"cell_type":"raw","source":"c"}]}`
	nb, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range nb.Cells {
		ids = append(ids, c.ID)
	}
	if want := []string{"cell-4", "cell-1", "cell-3"}; !reflect.DeepEqual(ids, want) {
		t.Errorf("ids are %q, want %q", ids, want)
	}
}

func TestParseRefusesWhatIsNoNotebook(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"empty", ``, "EOF"},
		{"truncated", `{"cells": [{"cell_type": "code", "sour`, "unexpected EOF"},
		{"not JSON", `# title`, "invalid character"},
		{"null", `null`, "null"},
		{"a list", `[]`, "array"},
		{"two objects", `{"cells":[],"nbformat":4} {}`, "after the end"},
		{"old format", `{"worksheets":[],"nbformat":3}`, "nbformat is 3, want 4"},
		{"no cells", `{"nbformat":4}`, "cells is missing"},
		{"cells of another type", `{"nbformat":4,"cells":{}}`, "cells is not a list"},
		{"a cell of another type", `{"nbformat":4,"cells":[7]}`, "cell 1 is not a JSON object"},
		{"an unknown cell", `{"nbformat":4,"cells":[{"cell_type":"heading"}]}`, `cell_type is "heading"`},
		{"a source of numbers", `{"nbformat":4,"cells":[{"cell_type":"code","source":[1]}]}`, "source is neither"},
		{"an unknown output", `{"nbformat":4,"cells":[{"cell_type":"code","outputs":[{"output_type":"pyout"}]}]}`, "cell 1, output 1: output_type"},
		{"a huge number", `{"nbformat":4,"nbformat_minor":99999999999,"cells":[]}`, "nbformat_minor is not"},
		{"very deep", `{"nbformat":4,"cells":[],"x":` + strings.Repeat("[", 20000), "depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.file))
			if !errors.Is(err, ErrNotebook) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want ErrNotebook with %q", err, tt.want)
			}
		})
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ipynb")
	nb := notebook("one")
	if err := nb.Write(path); err != nil {
		t.Fatal(err)
	}
	nb.Metadata["impossible"] = func() {}
	if err := nb.Write(path); err == nil {
		t.Error("a function was written as JSON")
	}
	back, err := Read(path)
	if err != nil || back.Cells[0].Source != "one" {
		t.Errorf("the file did not survive a failed write: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files, want 1", len(files))
	}
}

func FuzzParse(f *testing.F) {
	if data, err := os.ReadFile(filepath.Join("testdata", "jupyter.ipynb")); err == nil {
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte(`{"nbformat":4,"nbformat_minor":5,"cells":[{"cell_type":"code","id":null,"outputs":null,"metadata":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrNotebook) {
				t.Errorf("error %v is not ErrNotebook", err)
			}
			return
		}
		once, err := nb.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once)
		}
		if twice, _ := again.Encode(); !bytes.Equal(once, twice) {
			t.Errorf("writing is not stable:\n%s\n%s", once, twice)
		}
	})
}

func ExampleParse() {
	nb, err := Parse([]byte(`{"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["# Why", "\n", "a seven?"]}],
		"metadata": {"kernelspec": {"name": "gonb"}}, "nbformat": 4, "nbformat_minor": 4}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s kernel, %q\n", nb.KernelName(), nb.Cells[0].Source)
	// Output: gonb kernel, "# Why\na seven?"
}

func ExampleRun() {
	nb, err := Read("notebooks/00-tour.ipynb")
	if err != nil {
		fmt.Println(err)
		return
	}
	kernel := Spec{Argv: []string{"gonb", "--kernel", "{connection_file}"}, InterruptMode: "message"}
	done, report, err := Run(context.Background(), nb, kernel, Options{
		CellTimeout: time.Minute,
		Progress: func(p Progress) {
			if p.Done {
				fmt.Printf("cell %d of %d took %v\n", p.Number, p.Total, p.Elapsed)
			}
		},
	})
	var failed *CellError
	if errors.As(err, &failed) {
		fmt.Printf("cell %d failed: %s\n", failed.Index+1, failed.Value)
	}
	fmt.Printf("ran %d of %d cells\n", report.Ran, report.Total)
	if err := done.Write("00-tour.executed.ipynb"); err != nil {
		fmt.Println(err)
	}
}

func TestWriteKeepsPermissionsAndLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "private.ipynb"), filepath.Join(dir, "link.ipynb")
	if err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Symlink(file, link)); err != nil {
		t.Skip(err)
	}
	if err := notebook("out a").Write(link); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(file)
	if err != nil || info.Mode() != 0o600 || info.Size() < 10 {
		t.Errorf("the file is %v, error %v; want the notebook with mode 0600", info, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
}
