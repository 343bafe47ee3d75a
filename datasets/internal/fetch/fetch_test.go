package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func published(name, content string) File {
	return File{Name: name, Size: int64(len(content)), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(content)))}
}

// mirror serves the given files and counts the requests.
func mirror(t *testing.T, files map[string]string) (address string, requests *atomic.Int32) {
	requests = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		content, ok := files[strings.TrimPrefix(r.URL.Path, "/data/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(content))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/data/", requests
}

// unreachable is an address at which nobody answers.
func unreachable(t *testing.T) string {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL + "/"
}

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, c Client, files ...File) ([]string, error) {
	t.Helper()
	contents, err := c.Get(context.Background(), files...)
	var texts []string
	for _, content := range contents {
		texts = append(texts, string(content))
	}
	return texts, err
}

func TestSecondFetchComesFromTheCache(t *testing.T) {
	address, requests := mirror(t, map[string]string{"a": "alpha", "b": "beta"})
	var seen []string
	c := Client{
		Cache: filepath.Join(t.TempDir(), "new", "data"), Mirrors: []string{address},
		Progress: func(name string, done, total int64) { seen = append(seen, fmt.Sprint(name, done, total)) },
		Warn:     func(message string) { t.Errorf("unexpected warning %q", message) },
	}
	for range 2 {
		texts, err := get(t, c, published("a", "alpha"), published("b", "beta"))
		if err != nil || texts[0] != "alpha" || texts[1] != "beta" {
			t.Fatalf("got %q, %v", texts, err)
		}
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests for 2 files fetched twice", n)
	}
	if len(seen) == 0 || seen[len(seen)-1] != "b4 4" {
		t.Errorf("progress %q, want it to end with all of b", seen)
	}
	entries, _ := os.ReadDir(c.Cache)
	if len(entries) != 2 {
		t.Errorf("the cache holds %v, want the two files and nothing temporary", entries)
	}
}

func TestMirrorsAreTriedInOrder(t *testing.T) {
	wrong, _ := mirror(t, map[string]string{"a": "not alpha"})
	lacking, _ := mirror(t, nil)
	right, _ := mirror(t, map[string]string{"a": "alpha"})
	texts, err := get(t, Client{Mirrors: []string{unreachable(t), lacking, wrong, right}}, published("a", "alpha"))
	if err != nil || texts[0] != "alpha" {
		t.Errorf("got %q, %v", texts, err)
	}
}

func TestUsersFolderComesFirst(t *testing.T) {
	address, requests := mirror(t, map[string]string{"a": "alpha"})
	folder := t.TempDir()
	write(t, folder, "a", "alpha")
	texts, err := get(t, Client{Folder: folder, Mirrors: []string{address}}, published("a", "alpha"))
	if err != nil || texts[0] != "alpha" || requests.Load() != 0 {
		t.Errorf("got %q, %v after %d requests", texts, err, requests.Load())
	}
	// A folder without the file is no obstacle.
	texts, err = get(t, Client{Folder: t.TempDir(), Mirrors: []string{address}}, published("a", "alpha"))
	if err != nil || texts[0] != "alpha" {
		t.Errorf("got %q, %v", texts, err)
	}
}

func TestAlteredFileInTheUsersFolder(t *testing.T) {
	for name, content := range map[string]string{"altered": "alpHa", "truncated": "alp", "grown": "alpha and more"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, folder, "a", content)
			_, err := get(t, Client{Folder: folder}, published("a", "alpha"))
			if !errors.Is(err, ErrChecksum) || errors.Is(err, ErrOffline) {
				t.Fatalf("error %v, want ErrChecksum alone", err)
			}
			for _, text := range []string{filepath.Join(folder, "a"), published("a", "alpha").SHA256, "expected", "(5 bytes)", "replace it with the published file"} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("error %q does not say %q", err, text)
				}
			}
		})
	}
}

func TestDamagedCacheIsFetchedAgain(t *testing.T) {
	address, _ := mirror(t, map[string]string{"a": "alpha"})
	cache := t.TempDir()
	write(t, cache, "a", "al")
	texts, err := get(t, Client{Cache: cache, Mirrors: []string{address}}, published("a", "alpha"))
	if err != nil || texts[0] != "alpha" {
		t.Fatalf("got %q, %v", texts, err)
	}
	if mended, _ := os.ReadFile(filepath.Join(cache, "a")); string(mended) != "alpha" {
		t.Errorf("the cache still holds %q", mended)
	}
	// Without a network the damage is part of the story.
	write(t, cache, "a", "al")
	_, err = get(t, Client{Cache: cache, Mirrors: []string{unreachable(t)}}, published("a", "alpha"))
	if !errors.Is(err, ErrOffline) || !errors.Is(err, ErrChecksum) {
		t.Errorf("error %v, want both ErrOffline and ErrChecksum", err)
	}
	if want := filepath.Join(cache, "a"); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("error %q, want the file %s and what to do with it", err, want)
	}
}

// A mirror that answers, but not with the file, was reached.
func TestErrorTellsWhatEachMirrorDid(t *testing.T) {
	lacking, _ := mirror(t, nil)
	wrong, _ := mirror(t, map[string]string{"a": "alpHa"})
	dead := unreachable(t)
	_, err := get(t, Client{Mirrors: []string{dead, lacking, wrong}}, published("a", "alpha"))
	if !errors.Is(err, ErrOffline) || strings.Contains(err.Error(), "could be reached") {
		t.Errorf("error %q", err)
	}
	lines := strings.Split(err.Error(), "\n")
	for i, texts := range [][]string{{dead + "a", "connection refused"}, {lacking + "a", "404 Not Found"}, {wrong + "a", "checksum differs"}} {
		for _, text := range texts {
			if !strings.Contains(lines[i+1], text) {
				t.Errorf("mirror %d: %q does not say %q", i+1, lines[i+1], text)
			}
		}
	}
}

func TestOfflineSaysWhatToDo(t *testing.T) {
	cache := t.TempDir()
	write(t, cache, "a", "alpha")
	a, b, c := published("a", "alpha"), published("b", "beta"), published("c", "gamma")
	folder := filepath.Join(t.TempDir(), "no", "such")
	_, err := get(t, Client{
		Folder: folder, Cache: cache, Mirrors: []string{unreachable(t)}, Module: Module{Path: "example.com/none"},
		Download: func(context.Context, Module) (string, error) { return "", errors.New("no proxy either") },
	}, a, b, c)
	if !errors.Is(err, ErrOffline) || errors.Is(err, ErrChecksum) {
		t.Fatalf("error %v, want ErrOffline alone", err)
	}
	var offline *OfflineError
	if !errors.As(err, &offline) || len(offline.Files) != 2 {
		t.Fatalf("error %#v, want an OfflineError about the two missing files", err)
	}
	for _, text := range []string{"  b  4 bytes  sha256 " + b.SHA256, c.SHA256, "WHYBOOK_DATA", cache, "no proxy either", "connection refused", folder} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error does not say %q:\n%v", text, err)
		}
	}
	if strings.Contains(err.Error(), a.SHA256) {
		t.Error("the error asks for a file that is there")
	}
}

// A mirror without an answer costs its timeout once, not once per file.
func TestDeadMirrorIsAskedOnce(t *testing.T) {
	asked := 0
	broken := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		asked++
		return nil, errors.New("no route to host")
	})}
	downloads := 0
	folder := t.TempDir()
	write(t, folder, "a", "alpha")
	write(t, folder, "b", "beta")
	texts, err := get(t, Client{
		Mirrors: []string{"http://dead.example/"}, HTTP: broken, Module: Module{Path: "example.com/m"},
		Download: func(context.Context, Module) (string, error) { downloads++; return folder, nil },
	}, published("a", "alpha"), published("b", "beta"))
	if err != nil || len(texts) != 2 {
		t.Fatalf("got %q, %v", texts, err)
	}
	if asked != 1 || downloads != 1 {
		t.Errorf("the dead mirror was asked %d times, the module downloaded %d times; want 1 and 1", asked, downloads)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUnwritableCacheWarnsOnce(t *testing.T) {
	address, _ := mirror(t, map[string]string{"a": "alpha", "b": "beta"})
	notAFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notAFolder, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	caches := map[string]string{"none": "", "a file in its place": filepath.Join(notAFolder, "data")}
	if readOnly := t.TempDir(); os.Geteuid() != 0 { // root may write anywhere
		os.Chmod(readOnly, 0o555)
		caches["read-only"] = filepath.Join(readOnly, "data")
	}
	if full, err := os.Stat("/dev/full"); err == nil && full.Mode()&os.ModeDevice != 0 {
		caches["device"] = "/dev/full"
	}
	for name, cache := range caches {
		t.Run(name, func(t *testing.T) {
			var warnings []string
			texts, err := get(t, Client{
				Cache: cache, Mirrors: []string{address}, Warn: func(m string) { warnings = append(warnings, m) },
			}, published("a", "alpha"), published("b", "beta"))
			if err != nil || len(texts) != 2 {
				t.Fatalf("got %q, %v", texts, err)
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0], "WHYBOOK_CACHE") {
				t.Errorf("warnings %q, want one that names WHYBOOK_CACHE", warnings)
			}
		})
	}
}

func TestFailedWriteLeavesNothingBehind(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "a", "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(folder, "a", []byte("alpha")); err == nil {
		t.Fatal("a file replaced a folder")
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestCancelStopsADownload(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("al"))
		w.(http.Flusher).Flush()
		cancel()
		<-released
	}))
	defer server.Close()
	defer close(released)
	start := time.Now()
	_, err := Client{Mirrors: []string{server.URL, server.URL}}.Get(ctx, published("a", "alpha"))
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrOffline) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v to stop", took)
	}
}

// A body that never ends must not be read to its end.
func TestEndlessBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for chunk := bytes.Repeat([]byte("x"), 1<<16); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	_, err := get(t, Client{Mirrors: []string{server.URL}}, published("a", "alpha"))
	if !errors.Is(err, ErrChecksum) || !strings.Contains(err.Error(), "more than 5 bytes") {
		t.Errorf("error %v", err)
	}
}

// A server that declares .gz files as gzip-encoded must not get them unpacked on the way.
func TestGzipArrivesAsItIs(t *testing.T) {
	const content = "\x1f\x8b pretending"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write([]byte(content))
	}))
	defer server.Close()
	texts, err := get(t, Client{Mirrors: []string{server.URL}}, published("a.gz", content))
	if err != nil || texts[0] != content {
		t.Errorf("got %q, %v", texts, err)
	}
}

func TestModuleThatIsNotThere(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GONOSUMDB", "*")
	_, err := Module{Path: "example.com/none", Version: "v1.0.0"}.Download(context.Background())
	if err == nil || !strings.Contains(err.Error(), "example.com/none") {
		t.Errorf("error %v, want one that names the module", err)
	}
	t.Setenv("PATH", "")
	if _, err := (Module{Path: "example.com/none", Version: "v1.0.0"}).Download(context.Background()); err == nil {
		t.Error("a module was downloaded without a go command")
	}
}
