package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

const (
	modulePath  = "github.com/whybook/whybook"
	commandPath = modulePath + "/kernelext/cmd/whybook"
)

// module says where the code is that notebooks use.
type module struct {
	Root string // folder of the whybook module: a checkout, or in the module cache
	Work string // folder of the module in which cells are compiled: Root, or a user's own
	File *modfile.File
	Tool bool // Work's go.mod has a tool line for this program
}

var (
	errNoModule = errors.New("the whybook module is not found")
	errNoGoMod  = fmt.Errorf("%w: no go.mod", errNoModule) // a kind of errNoModule
)

// findModule looks for the module from the current folder upwards, among the requirements
// of the module there, and where this program itself came from.
func findModule(ctx context.Context, override string) (module, error) {
	start := override
	if start == "" {
		var err error
		if start, err = os.Getwd(); err != nil {
			return module{}, err
		}
	}
	if m, err := moduleAround(ctx, start); err == nil {
		return m, nil
	} else if override != "" {
		return module{}, fmt.Errorf("--module %s: %w", override, err)
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == modulePath && strings.HasPrefix(info.Main.Version, "v") {
		if dir, err := download(ctx, info.Main.Version); err == nil {
			return openModule(dir, dir)
		}
	}
	if _, source, _, ok := runtime.Caller(0); ok {
		if m, err := moduleAround(ctx, filepath.Dir(source)); err == nil {
			return m, nil
		}
	}
	return module{}, fmt.Errorf("%w: run whybook inside a checkout of it or inside a module that requires it, or name the folder with --module",
		errNoModule)
}

// moduleAround takes the innermost module that contains dir: whybook, or one that needs it.
func moduleAround(ctx context.Context, dir string) (module, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return module{}, err
	}
	for at := dir; ; at = filepath.Dir(at) {
		data, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil {
			if modfile.ModulePath(data) == modulePath {
				return openModule(at, at)
			}
			out, err := goCommand(ctx, at, "list", "-m", "-f", "{{.Dir}}", modulePath)
			root := strings.TrimSpace(string(out))
			if err != nil || root == "" {
				return module{}, fmt.Errorf("%w: the module in %s does not require it (go get -tool %s)", errNoModule, at, commandPath)
			}
			return openModule(root, at)
		}
		if at == filepath.Dir(at) {
			return module{}, fmt.Errorf("%w in %s or above", errNoGoMod, dir)
		}
	}
}

func openModule(root, work string) (module, error) {
	path := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return module{}, err
	}
	file, err := modfile.ParseLax(path, data, nil)
	if err != nil {
		return module{}, err
	}
	if strings.Contains(work, ",") {
		return module{}, fmt.Errorf("the folder %s has a comma in its name, which GoNB cannot handle; move it", work)
	}
	m := module{Root: root, Work: work, File: file}
	if work != root {
		path := filepath.Join(work, "go.mod")
		data, err := os.ReadFile(path)
		if err != nil {
			return module{}, err
		}
		own, err := modfile.Parse(path, data, nil)
		if err != nil {
			return module{}, err
		}
		m.Tool = slices.ContainsFunc(own.Tool, func(t *modfile.Tool) bool { return t.Path == commandPath })
	}
	return m, nil
}

// command returns the lines that run this program with the given arguments from the
// current folder: another module than whybook's needs a tool line, which brings the
// checksums of what the program is built from.
func (m module) command(args string) []string {
	if m.Root == "" {
		return []string{"go run " + commandPath + " " + args}
	}
	if m.Work != m.Root {
		run := "go tool whybook " + args
		if !m.Tool {
			// Not "go get -tool", which fails for a module that a replace line supplies.
			return []string{"go mod edit -tool=" + commandPath, "go mod tidy", run}
		}
		return []string{run}
	}
	if here, err := os.Getwd(); err == nil && within(m.Root, here) {
		return []string{"go run " + commandPath + " " + args}
	}
	return []string{"go run -C " + shellQuote(m.Root) + " " + commandPath + " " + args}
}

// within reports whether a path is in a folder, by whatever symbolic links.
func within(dir, path string) bool {
	for _, p := range []*string{&dir, &path} {
		if real, err := filepath.EvalSymlinks(*p); err == nil {
			*p = real
		}
	}
	below, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(below)
}

// download puts a version of the module into the module cache, if it is not there.
func download(ctx context.Context, version string) (string, error) {
	out, err := goCommand(ctx, os.TempDir(), "mod", "download", "-json", modulePath+"@"+version)
	if err != nil {
		return "", err
	}
	var got struct{ Dir string }
	if err := json.Unmarshal(out, &got); err != nil || got.Dir == "" {
		return "", fmt.Errorf("go mod download %s@%s gave no folder", modulePath, version)
	}
	return got.Dir, nil
}

// version returns the version of a dependency that the module pins.
func (m module) version(path string) string {
	for _, r := range m.File.Require {
		if r.Mod.Path == path {
			return r.Mod.Version
		}
	}
	return "(none)"
}

// goCommand runs the go command and returns what it prints. The error carries what it
// complained of.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("go %s: %s", args[0], strings.TrimSpace(string(exit.Stderr)))
	}
	if errors.Is(err, exec.ErrNotFound) {
		return out, errors.New("the go command is not on the PATH; install Go from https://go.dev/dl")
	}
	return out, err
}
