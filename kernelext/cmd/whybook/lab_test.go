//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program writes an executable shell script.
func program(t *testing.T, path, script string) string {
	t.Helper()
	write(t, path, "#!/bin/sh\n"+script+"\n")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPythonIsChecked(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, program, want string }{
		{"missing", "no-such-python", "no no-such-python on the PATH; JupyterLab needs it: install Python 3.10 or later"},
		{"too old", program(t, filepath.Join(dir, "old"), "echo 3.9"), "is Python 3.9; install Python 3.10"},
		{"that does not run", program(t, filepath.Join(dir, "broken"), "echo no libpython >&2; exit 1"), "no libpython"},
		{"without venv", program(t, filepath.Join(dir, "bare"), `case $2 in *venv*) exit 1 ;; esac; echo 3.12`), "apt install python3-venv"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("VIRTUAL_ENV", "")
			t.Setenv("WHYBOOK_CACHE", t.TempDir())
			code, printed := whybook(t, t.Context(), "lab", "--no-browser", "--python", tt.program)
			check(t, code, printed, exitFailed, "python is not usable", tt.want)
		})
	}
	if version, err := pythonVersion(t.Context(), program(t, filepath.Join(dir, "new"), "echo 3.14")); version != "3.14" || err != nil {
		t.Errorf("version %q, error %v", version, err)
	}
}

func TestOlderThan(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"3.9", "3.10", true}, {"3.10", "3.10", false}, {"4", "3.10", false}, {"3", "3.10", true}, {"4.0.0rc1", "4.0", false}, {"", "4.0", true},
	} {
		if got := olderThan(tt.a, tt.b); got != tt.want {
			t.Errorf("olderThan(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

// environmentWith makes what looks like a virtual environment whose JupyterLab has a version.
func environmentWith(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := "echo " + version
	if version == "" {
		script = "exit 1"
	}
	program(t, filepath.Join(dir, "bin", "python"), script)
	return dir
}

func TestFindLab(t *testing.T) {
	fine, old, none := environmentWith(t, "4.2.1"), environmentWith(t, "3.6.8"), environmentWith(t, "")
	cache := t.TempDir()
	t.Setenv("WHYBOOK_CACHE", cache)
	ours := filepath.Join(cache, "jupyter", "lab-"+labVersion+"-python3.12")
	// An interpreter that makes environments in which pip works.
	maker := program(t, filepath.Join(t.TempDir(), "python3"), `case $2 in
venv) mkdir -p "$3/bin"; printf '#!/bin/sh\ncase $2 in pip) exit 0 ;; esac\necho `+labVersion+`\n' > "$3/bin/python"; chmod +x "$3/bin/python" ;;
*) echo 3.12 ;;
esac`)
	tests := []struct {
		name, named, active, want, failure string
	}{
		{name: "named", named: fine, active: none, want: fine},
		{name: "named, too old", named: old, failure: "holds JupyterLab 3.6.8, want 4.0 or later"},
		{name: "named, without", named: none, failure: "-m pip install jupyterlab==" + labVersion},
		{name: "active", active: fine, want: fine},
		{name: "active, too old", active: old, want: ours},
		{name: "none", want: ours},
		{name: "named, to be made", named: filepath.Join(cache, "mine"), want: filepath.Join(cache, "mine")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("VIRTUAL_ENV", tt.active)
			var out bytes.Buffer
			got, err := findLab(t.Context(), &app{out: &out}, tt.named, maker)
			if tt.failure != "" {
				if err == nil || !strings.Contains(err.Error(), tt.failure) {
					t.Errorf("error is %v, want %q", err, tt.failure)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("found %s, error %v; want %s", got, err, tt.want)
			}
		})
	}
	exists(t, filepath.Join(ours, "share", "jupyter", "lab", "settings", "overrides.json"), true)
	t.Run("without a network", func(t *testing.T) {
		offline := program(t, filepath.Join(t.TempDir(), "python3"), `case $2 in
venv) mkdir -p "$3/bin"; printf '#!/bin/sh\necho Could not find a version >&2; exit 1\n' > "$3/bin/python"; chmod +x "$3/bin/python" ;;
*) echo 3.13 ;;
esac`)
		t.Setenv("VIRTUAL_ENV", "")
		_, err := findLab(t.Context(), &app{out: new(bytes.Buffer)}, "", offline)
		if err == nil || !strings.Contains(err.Error(), "needs the network") || !strings.Contains(err.Error(), "Could not find a version") {
			t.Errorf("error is %v, want pip's words and the remedy", err)
		}
		exists(t, filepath.Join(cache, "jupyter", "lab-"+labVersion+"-python3.13"), false)
	})
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	code, printed := whybook(t, t.Context(), "lab", "--port", fmt.Sprint(taken))
	check(t, code, printed, exitFailed, fmt.Sprintf("port %d cannot be used (address already in use); leave out --port", taken))
	if first, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", firstPort)); err == nil {
		defer first.Close()
	}
	port, err := freePort(0)
	if err != nil || port <= firstPort || port > lastPort {
		t.Errorf("port %d, error %v; want the next free one after %d", port, err, firstPort)
	}
}

func TestLabPlace(t *testing.T) {
	here, err := findModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	mine := t.TempDir()
	file := notebook(t, filepath.Join(mine, "a b.ipynb"), "%%")
	for _, tt := range []struct {
		path           string
		m              module
		folder, opened string
	}{
		{"", here, filepath.Join(here.Root, "notebooks"), "/lab/tree/00-tour.ipynb"},
		{mine, here, mine, "/lab"},
		{file, here, mine, "/lab/tree/a%20b.ipynb"},
	} {
		folder, name, err := labCommand{Path: tt.path}.place(tt.m)
		if s := (labServer{file: name}); err != nil || folder != tt.folder || s.path() != tt.opened {
			t.Errorf("%q: %s and %s, error %v; want %s and %s", tt.path, folder, s.path(), err, tt.folder, tt.opened)
		}
	}
	if _, _, err := (labCommand{Path: filepath.Join(mine, "none")}).place(here); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// A server that stops at once is quoted; one that is interrupted is ended.
func TestLabServerEnds(t *testing.T) {
	dies := program(t, filepath.Join(t.TempDir(), "bin", "python"), "echo the configuration is wrong >&2; exit 3")
	s := labServer{environment: environment(filepath.Dir(filepath.Dir(dies))), port: 1, folder: "."}
	err := s.run(t.Context(), &app{out: new(bytes.Buffer)})
	if err == nil || errors.Is(err, errPortTaken) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the configuration is wrong") {
		t.Errorf("error is %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // one that was faster
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := s.run(t.Context(), &app{out: new(bytes.Buffer)}); !errors.Is(err, errPortTaken) || !strings.Contains(err.Error(), "the configuration is wrong") {
		t.Errorf("the port is taken, and the error %v", err)
	}
	stays := program(t, filepath.Join(t.TempDir(), "bin", "python"), "exec sleep 60")
	s.environment = environment(filepath.Dir(filepath.Dir(stays)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.run(ctx, &app{out: new(bytes.Buffer)}); err != nil {
		t.Errorf("an interrupt: %v", err)
	}
}

func TestDoctorLooksAtJupyter(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	install, lab := []string{"whybook install"}, []string{"whybook lab"}
	for _, tt := range []struct{ script, state, remedy string }{
		{"echo 4.6.1", "JupyterLab 4.6.1, without whybook's kernel", "whybook install"},
		{"echo 3.6.8", "JupyterLab 3.6.8 is older than 4.0", "pip install --upgrade jupyterlab, or whybook lab"},
		{"exit 1", "without JupyterLab", "pip install jupyterlab==" + labVersion},
	} {
		program(t, filepath.Join(dir, "jupyter"), tt.script)
		f := checkJupyter(t.Context(), install, lab)
		if !f.Optional || !strings.Contains(f.State, tt.state) || !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s: %+v", tt.script, f)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if f := checkJupyter(t.Context(), install, lab); !strings.Contains(f.State, "not installed") || !strings.Contains(f.Remedy, "whybook lab") {
		t.Errorf("without Jupyter: %+v", f)
	}
	if f := checkPython(t.Context()); !f.Optional || !strings.Contains(f.Remedy, "install Python") {
		t.Errorf("without Python: %+v", f)
	}
}
