package jupyter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// The test binary, started again with this variable, is the kernel of the tests.
const fakeKernelEnv = "JUPYTER_TEST_FAKE_KERNEL"

func TestMain(m *testing.M) {
	if os.Getenv(fakeKernelEnv) != "" {
		if err := fakeKernel(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// fakeSpec returns the spec of a kernel whose cells are a list of commands, one to a
// line; see fake.run.
func fakeSpec(mode string) Spec {
	return Spec{
		Argv: []string{os.Args[0], "{connection_file}"}, DisplayName: "Fake", Language: "fake", InterruptMode: "message",
		Env: map[string]string{fakeKernelEnv: mode},
	}
}

type fake struct {
	key       []byte
	mu        sync.Mutex
	iopub     zmq4.Socket
	count     int
	interrupt chan struct{}
}

func fakeKernel(file string) error {
	switch os.Getenv(fakeKernelEnv) {
	case "dies at start":
		return fmt.Errorf("no licence for this machine")
	case "mute":
		time.Sleep(time.Minute)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var conn connection
	if err := json.Unmarshal(data, &conn); err != nil {
		return err
	}
	ctx := context.Background()
	f := &fake{key: []byte(conn.Key), iopub: zmq4.NewPub(ctx), interrupt: make(chan struct{}, 10)}
	shell, control, stdin := zmq4.NewRouter(ctx), zmq4.NewRouter(ctx), zmq4.NewRouter(ctx)
	for socket, port := range map[zmq4.Socket]int{shell: conn.Shell, control: conn.Control, stdin: conn.Stdin, f.iopub: conn.IOPub} {
		if err := socket.Listen(conn.endpoint(port)); err != nil {
			return err
		}
	}
	go f.serve(shell)
	f.serve(control)
	return nil
}

// serve answers the requests of one socket until a shutdown request.
func (f *fake) serve(socket zmq4.Socket) {
	for {
		raw, err := socket.Recv()
		if err != nil {
			return
		}
		m, err := parseFrames(f.key, raw.Frames)
		if err != nil {
			continue
		}
		to := raw.Frames[:1]
		switch m.header.Type {
		case "kernel_info_request":
			f.publish(m, "status", map[string]any{"execution_state": "busy"})
			f.answer(socket, to, m, "kernel_info_reply", map[string]any{"status": "ok",
				"language_info": map[string]any{"name": "fake", "version": "1"}})
			f.publish(m, "status", map[string]any{"execution_state": "idle"})
		case "execute_request":
			f.execute(socket, to, m)
		case "interrupt_request":
			f.interrupt <- struct{}{}
			f.answer(socket, to, m, "interrupt_reply", map[string]any{"status": "ok"})
		case "shutdown_request":
			f.answer(socket, to, m, "shutdown_reply", map[string]any{"status": "ok"})
			time.Sleep(10 * time.Millisecond)
			return
		}
	}
}

func (f *fake) execute(socket zmq4.Socket, to [][]byte, m message) {
	var request struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(m.content, &request)
	f.count++
	f.publish(m, "status", map[string]any{"execution_state": "busy"})
	reply := map[string]any{"status": "ok", "execution_count": f.count}
	for line := range strings.Lines(request.Code) {
		if name, value := f.run(m, strings.TrimSuffix(line, "\n")); name != "" {
			content := map[string]any{"ename": name, "evalue": value, "traceback": []string{name + " at", value}}
			f.publish(m, "error", content)
			content["status"], content["execution_count"] = "error", f.count
			reply = content
			break
		}
	}
	f.answer(socket, to, m, "execute_reply", reply)
	f.publish(m, "status", map[string]any{"execution_state": "idle"})
}

// run runs one command and returns the error it raises, if any.
func (f *fake) run(m message, line string) (name, value string) {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(rest)
	switch verb {
	case "out", "err":
		f.publish(m, "stream", map[string]any{"name": "std" + verb, "text": rest})
	case "show", "update": // show ID TEXT; ID "-" for none
		id, text, _ := strings.Cut(rest, " ")
		content := map[string]any{"data": map[string]any{"text/plain": text},
			"metadata": map[string]any{"image/png": map[string]any{"alt": "a digit"}}, "transient": map[string]any{}}
		if id != "-" {
			content["transient"] = map[string]any{"display_id": id}
		}
		f.publish(m, map[string]string{"show": "display_data", "update": "update_display_data"}[verb], content)
	case "result":
		f.publish(m, "execute_result", map[string]any{"data": map[string]any{"text/plain": rest}, "execution_count": f.count})
	case "clear":
		f.publish(m, "clear_output", map[string]any{"wait": rest == "wait"})
	case "fail":
		return "Boom", rest
	case "hang": // until interrupted
		<-f.interrupt
		return "Interrupted", "as asked"
	case "deaf":
		time.Sleep(time.Minute)
	case "die":
		fmt.Fprintln(os.Stderr, "out of memory")
		os.Exit(3)
	case "forge": // with another key
		key := f.key
		f.key = []byte("guessed")
		f.publish(m, "stream", map[string]any{"name": "stdout", "text": "forged"})
		f.key = key
	case "flood": // 100 MiB in pieces of 64 KiB
		chunk := strings.Repeat("x", 64<<10)
		for range 1600 {
			f.publish(m, "stream", map[string]any{"name": "stdout", "text": chunk})
		}
	case "child": // a process that would outlive us
		cmd := exec.Command("sleep", "60")
		if err := cmd.Start(); err != nil {
			return "Boom", err.Error()
		}
		f.publish(m, "stream", map[string]any{"name": "stdout", "text": fmt.Sprint(cmd.Process.Pid)})
	case "env":
		f.publish(m, "stream", map[string]any{"name": "stdout", "text": os.Getenv(rest)})
	}
	return "", ""
}

func (f *fake) publish(parent message, kind string, content any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.send(f.iopub, [][]byte{[]byte(kind)}, parent, kind, content)
}

func (f *fake) answer(socket zmq4.Socket, to [][]byte, parent message, kind string, content any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.send(socket, to, parent, kind, content)
}

func (f *fake) send(socket zmq4.Socket, to [][]byte, parent message, kind string, content any) {
	body, err := json.Marshal(content)
	if err != nil {
		panic(err)
	}
	m := message{header: header{ID: randomHex(8), Type: kind, Version: protocolVersion}, parent: parent.header, content: body}
	frames, err := m.frames(f.key)
	if err != nil {
		panic(err)
	}
	if err := socket.SendMulti(zmq4.NewMsgFrom(append(to[:1:1], frames...)...)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
