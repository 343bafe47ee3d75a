package render

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Dir is a folder that figures are saved in:
//
//	paths, err := render.Dir("out").Save(view)
//
// Every figure becomes <stem>.png and <stem>.svg; a table, and every other kind that has
// more to offer in a browser, also <stem>.txt and <stem>.html. The stem is the view's Name.
type Dir string

// Save writes the views and returns the paths of the files, in the order of the views. The
// folder is made if it is missing. Where views of one call share a stem, the later ones
// get the suffix -2, -3 and so on. Files of an earlier call are replaced, so that running
// a program again leaves one set of figures; give views that must live side by side
// different names with View.Named.
//
// Files appear whole or not at all. An error names the path, and the paths that were
// written before it are returned with it.
func (d Dir) Save(views ...View) (paths []string, err error) {
	for i, v := range views {
		if err := v.Err(); err != nil {
			return nil, fmt.Errorf("render.Dir(%q).Save: view %d: %w", string(d), i, err)
		}
	}
	if err := os.MkdirAll(string(d), 0o777); err != nil {
		return nil, fmt.Errorf("render.Dir(%q).Save: %w", string(d), err)
	}
	taken := make(map[string]bool)
	for _, v := range views {
		stem := v.Name()
		for n := 2; taken[stem]; n++ {
			stem = v.Name() + "-" + strconv.Itoa(n)
		}
		taken[stem] = true
		for _, f := range v.files() {
			path := filepath.Join(string(d), stem+f.ext)
			data, err := f.make()
			if err == nil {
				err = writeFile(path, data)
			}
			if err != nil {
				return paths, fmt.Errorf("render.Dir(%q).Save: %s: %w", string(d), path, err)
			}
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// file is one form of a view on disk.
type file struct {
	ext  string
	make func() ([]byte, error)
}

func (v View) files() []file {
	files := []file{{".png", v.PNG}, {".svg", v.SVG}}
	if v.isHTML() {
		files = append(files,
			file{".txt", func() ([]byte, error) { return []byte(v.Text()), nil }},
			file{".html", func() ([]byte, error) { s, err := v.page(); return []byte(s), err }})
	}
	return files
}

// writeFile replaces path in one step.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644) // CreateTemp makes files that only their owner may read
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
