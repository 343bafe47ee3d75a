package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Module is a Go module that holds published files. Module proxies are often reachable
// where other addresses are not, and whoever runs a Go notebook has the go command.
type Module struct {
	Path, Version string
	Dir           string // folder of the files within the module
}

// Download returns the folder of the module's files on this machine, after the go command
// has downloaded the module if need be.
func (m Module) Download(ctx context.Context) (string, error) {
	empty, err := os.MkdirTemp("", "whybook") // a place outside every module
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(empty)

	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.Path+"@"+m.Version)
	command.Dir = empty
	command.Env = append(os.Environ(), "GO111MODULE=on", "GOWORK=off", "GOFLAGS=")
	command.WaitDelay = time.Second
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, runErr := command.Output()

	var module struct{ Dir, Error string }
	if err := json.Unmarshal(output, &module); err == nil && module.Dir != "" {
		return filepath.Join(module.Dir, filepath.FromSlash(m.Dir)), nil
	}
	if module.Error != "" {
		return "", fmt.Errorf("go mod download %s: %s", m.Path, module.Error)
	}
	if runErr == nil {
		runErr = errors.New("no folder in its answer")
	}
	return "", fmt.Errorf("go mod download %s: %w %s", m.Path, runErr, bytes.TrimSpace(stderr.Bytes()))
}

// fromModule reads f out of the module, which is downloaded once per Get.
func (g *getter) fromModule(ctx context.Context, f File) ([]byte, error) {
	if g.moduleDir == "" && g.moduleErr == nil {
		g.moduleDir, g.moduleErr = g.Download(ctx, g.Module)
	}
	if g.moduleErr != nil {
		return nil, g.moduleErr
	}
	return readFile(g.moduleDir, f)
}
