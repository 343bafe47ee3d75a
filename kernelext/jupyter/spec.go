package jupyter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// A Spec describes how a kernel is started: the content of a kernel.json
// (https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs).
type Spec struct {
	// Argv is the command; "{connection_file}" in it stands for the connection file's path.
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode,omitempty"` // "signal" (default) or "message"
	Env           map[string]string `json:"env,omitempty"`            // added; ${NAME} is expanded
	Metadata      map[string]any    `json:"metadata,omitempty"`
}

// DataDir returns the folder in which Jupyter looks for the user's kernels (in its
// subfolder "kernels"): JUPYTER_DATA_DIR, or the platform's default.
func DataDir() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("APPDATA"); dir != "" {
			return filepath.Join(dir, "jupyter"), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("jupyter: no home folder, set JUPYTER_DATA_DIR: %w", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// ReadSpec reads the kernel.json of a kernel's folder.
func ReadSpec(dir string) (Spec, error) {
	data, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		return Spec{}, fmt.Errorf("jupyter: kernel spec: %w", err)
	}
	var s Spec
	if err := json.Unmarshal(data, &s); err != nil {
		return Spec{}, fmt.Errorf("jupyter: kernel spec %s: %w", dir, err)
	}
	return s, nil
}

// Install writes the kernel.json of the kernel's folder dir, such as
// <data dir>/kernels/gonb, making the folder if needed and replacing what is there.
func (s Spec) Install(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("jupyter: install kernel spec: %w", err)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("jupyter: install kernel spec: %w", err)
	}
	return writeFile(filepath.Join(dir, "kernel.json"), buf.Bytes(), 0o644)
}
