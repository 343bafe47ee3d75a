package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

type cacheCommand struct {
	List  cacheListCommand  `cmd:"" default:"1" help:"List what is kept, with sizes."`
	Clear cacheClearCommand `cmd:"" help:"Remove it. It is made again when needed."`
}

// cacheKind is one folder of the cache.
type cacheKind struct {
	Folder string
	What   string
	Made   *regexp.Regexp // names of the entries that whybook makes
}

func cacheKinds() []cacheKind {
	return []cacheKind{
		{"build", "built data and models", regexp.MustCompile(`^([0-9a-f]+\.entry|\.entry-.*)$`)},
		{"data", "downloaded data", regexp.MustCompile(``)},
		{"jupyter", "JupyterLab and its kernels", regexp.MustCompile(`^(lab|kernel)-`)},
		{"bin", "GoNB and goimports", regexp.MustCompile(`^([0-9a-f]{16}|\.build-.*)$`)},
	}
}

// cacheEntry is a file, or a folder with all that is in it.
type cacheEntry struct {
	Kind  cacheKind
	Path  string
	Bytes int64
}

// cacheEntries lists what whybook has put below root, in order.
func cacheEntries(root string) ([]cacheEntry, error) {
	var all []cacheEntry
	for _, kind := range cacheKinds() {
		files, err := os.ReadDir(filepath.Join(root, kind.Folder))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		for _, f := range files {
			if !kind.Made.MatchString(f.Name()) {
				continue
			}
			e := cacheEntry{Kind: kind, Path: filepath.Join(root, kind.Folder, f.Name())}
			err := filepath.WalkDir(e.Path, func(_ string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return ignoreGone(err)
				}
				info, err := d.Info()
				if err == nil {
					e.Bytes += info.Size()
				}
				return ignoreGone(err)
			})
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// ignoreGone forgives what another process has removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

type cacheListCommand struct{}

// Run lists the cache.
func (cacheListCommand) Run(a *app) error {
	root, err := cacheRoot()
	if err != nil {
		return err
	}
	entries, err := cacheEntries(root)
	if err != nil {
		return err
	}
	a.printf("%s\n", root)
	var total int64
	kind := ""
	for _, e := range entries {
		if e.Kind.Folder != kind {
			kind = e.Kind.Folder
			a.printf("\n%s: %s\n", kind, e.Kind.What)
		}
		a.printf("  %10s  %s\n", byteSize(e.Bytes), filepath.Base(e.Path))
		total += e.Bytes
	}
	if len(entries) == 0 {
		a.printf("is empty\n")
		return nil
	}
	a.printf("\n  %10s  in all\n", byteSize(total))
	return nil
}

type cacheClearCommand struct {
	Kinds []string `arg:"" optional:"" name:"kind" help:"Only these: build, data, jupyter, bin." enum:"build,data,jupyter,bin"`
}

// Run removes entries. A folder that holds other things besides is not taken for our
// cache: WHYBOOK_CACHE may have been set to a home folder, which has a bin of its own.
func (c cacheClearCommand) Run(a *app) error {
	root, err := cacheRoot()
	if err != nil {
		return err
	}
	files, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		a.printf("%s is empty\n", root)
		return nil
	} else if err != nil {
		return err
	}
	for _, f := range files {
		if !slices.ContainsFunc(cacheKinds(), func(k cacheKind) bool { return k.Folder == f.Name() }) {
			return fmt.Errorf("%s also holds %s, which whybook did not make, so nothing is removed; set WHYBOOK_CACHE to a folder of its own",
				root, f.Name())
		}
	}
	entries, err := cacheEntries(root)
	if err != nil {
		return err
	}
	var total int64
	count := 0
	for _, e := range entries {
		if len(c.Kinds) > 0 && !slices.Contains(c.Kinds, e.Kind.Folder) {
			continue
		}
		if err := os.RemoveAll(e.Path); err != nil {
			return err
		}
		count++
		total += e.Bytes
	}
	a.printf("removed %d entries, %s\n", count, byteSize(total))
	return nil
}

func byteSize(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
