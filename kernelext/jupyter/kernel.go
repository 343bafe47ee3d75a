package jupyter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

const (
	defaultStart = 60 * time.Second
	// defaultGrace covers GoNB's own 5 s between interrupting and killing a program.
	defaultGrace = 8 * time.Second
	// settle is how long messages may be under way after the other socket has said that
	// the work is done, or after the kernel's end.
	settle = 2 * time.Second
	// maxSocketPath is the shortest limit among platforms for a Unix socket's path.
	maxSocketPath = 100
)

// StartOptions are the circumstances in which a kernel runs.
type StartOptions struct {
	Dir     string        // working folder of the kernel and of the cells; default the current one
	Env     []string      // "NAME=value", added to the environment and to the spec's
	Timeout time.Duration // until the kernel must have answered; default 60 s
	Grace   time.Duration // between interrupting a cell and killing the kernel; default 8 s
}

// A Kernel is a running kernel process. Its methods are not for concurrent use.
type Kernel struct {
	spec  Spec
	grace time.Duration
	info  map[string]any

	cmd     *exec.Cmd
	scratch string // connection file, sockets, log, and the kernel's TMPDIR
	exited  chan struct{}
	exitErr error // valid once exited is closed

	key     []byte
	session string
	sent    int

	cancel                context.CancelFunc // ends the sockets
	sockets               []zmq4.Socket
	shell, control, stdin zmq4.Socket
	replies, published    chan message
	closing               chan struct{} // closed when nobody receives messages any more
	readers               sync.WaitGroup

	displays map[string][]*Output // by display id, over all cells
}

// connection is the content of the connection file.
type connection struct {
	Transport string `json:"transport"`
	IP        string `json:"ip"`
	Shell     int    `json:"shell_port"`
	IOPub     int    `json:"iopub_port"`
	Stdin     int    `json:"stdin_port"`
	Control   int    `json:"control_port"`
	Heartbeat int    `json:"hb_port"`
	Scheme    string `json:"signature_scheme"`
	Key       string `json:"key"`
	Name      string `json:"kernel_name"`
}

func (c connection) endpoint(port int) string {
	if c.Transport == "ipc" {
		return fmt.Sprintf("ipc://%s-%d", c.IP, port)
	}
	return fmt.Sprintf("tcp://%s:%d", c.IP, port)
}

// Start starts a kernel and waits until it answers. The caller must end it with Shutdown.
// Errors wrap ErrKernelStart and carry the end of the kernel's log.
func Start(ctx context.Context, spec Spec, opt StartOptions) (*Kernel, error) {
	if len(spec.Argv) == 0 {
		return nil, fmt.Errorf("%w: the spec has no command", ErrKernelStart)
	}
	scratch, err := os.MkdirTemp("", "jupyter-")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKernelStart, err)
	}
	sockets, cancel := context.WithCancel(context.Background())
	k := &Kernel{
		spec: spec, grace: orDefault(opt.Grace, defaultGrace),
		scratch: scratch, exited: make(chan struct{}), cancel: cancel,
		session: randomHex(16), key: []byte(randomHex(32)),
		replies: make(chan message, 64), published: make(chan message, 64), closing: make(chan struct{}),
		displays: map[string][]*Output{},
	}
	ctx, stop := context.WithTimeout(ctx, orDefault(opt.Timeout, defaultStart))
	defer stop()
	if err := k.start(ctx, sockets, opt); err != nil {
		tail := k.logTail()
		k.kill()
		return nil, fmt.Errorf("%w: %w%s", ErrKernelStart, err, tail)
	}
	return k, nil
}

func (k *Kernel) start(ctx, sockets context.Context, opt StartOptions) error {
	conn, err := newConnection(k.scratch)
	if err != nil {
		return err
	}
	conn.Key, conn.Name = string(k.key), k.spec.DisplayName
	// GoNB takes the kernel's id from a file name of this form.
	file := filepath.Join(k.scratch, "kernel-"+k.session+".json")
	data, err := json.Marshal(conn)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	if err := k.launch(file, opt); err != nil {
		return err
	}
	if err := k.connect(ctx, sockets, conn); err != nil {
		return err
	}
	return k.greet(ctx)
}

// newConnection prefers Unix sockets in the private scratch folder: they cannot be taken
// by another process between choosing and using them, as ports can.
func newConnection(scratch string) (connection, error) {
	c := connection{Transport: "ipc", IP: filepath.Join(scratch, "s"), Scheme: "hmac-sha256",
		Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5}
	if runtime.GOOS != "windows" && len(c.IP)+2 <= maxSocketPath {
		return c, nil
	}
	c.Transport, c.IP = "tcp", "127.0.0.1"
	for _, port := range []*int{&c.Shell, &c.IOPub, &c.Stdin, &c.Control, &c.Heartbeat} {
		l, err := net.Listen("tcp", c.IP+":0")
		if err != nil {
			return c, err
		}
		defer l.Close() // only after all five are chosen, so that they differ
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return c, nil
}

func (k *Kernel) launch(connectionFile string, opt StartOptions) error {
	tmp := filepath.Join(k.scratch, "t")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	output, err := os.Create(filepath.Join(k.scratch, "log"))
	if err != nil {
		return err
	}
	defer output.Close()
	args := make([]string, len(k.spec.Argv))
	for i, arg := range k.spec.Argv {
		args[i] = strings.ReplaceAll(arg, "{connection_file}", connectionFile)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = opt.Dir
	cmd.Env = os.Environ()
	for name, value := range k.spec.Env {
		cmd.Env = append(cmd.Env, name+"="+os.ExpandEnv(value))
	}
	// What the kernel and its cells leave in TMPDIR goes with the scratch folder.
	cmd.Env = append(append(cmd.Env, opt.Env...), "TMPDIR="+tmp)
	cmd.Stdout, cmd.Stderr = output, output
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	k.cmd = cmd
	go func() {
		k.exitErr = cmd.Wait()
		close(k.exited)
	}()
	return nil
}

// connect dials the kernel's sockets as soon as it has opened them.
func (k *Kernel) connect(ctx, sockets context.Context, conn connection) error {
	quiet := zmq4.WithLogger(log.New(io.Discard, "", 0))
	options := []zmq4.Option{quiet, zmq4.WithDialerRetry(10 * time.Millisecond), zmq4.WithDialerMaxRetries(-1)}
	identified := append(options, zmq4.WithID(zmq4.SocketIdentity(k.session)))
	k.shell = zmq4.NewDealer(sockets, identified...)
	k.stdin = zmq4.NewDealer(sockets, identified...) // same identity: that is how a kernel finds the asker
	k.control = zmq4.NewDealer(sockets, options...)
	iopub := zmq4.NewSub(sockets, options...)
	k.sockets = []zmq4.Socket{k.shell, k.stdin, k.control, iopub}
	if err := iopub.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		return err
	}

	dialled := make(chan error, 1)
	k.readers.Go(func() {
		for _, s := range []struct {
			socket zmq4.Socket
			port   int
		}{{k.shell, conn.Shell}, {k.control, conn.Control}, {k.stdin, conn.Stdin}, {iopub, conn.IOPub}} {
			if err := s.socket.Dial(conn.endpoint(s.port)); err != nil {
				dialled <- err
				return
			}
		}
		dialled <- nil
	})
	select {
	case err := <-dialled:
		if err != nil {
			return err
		}
	case <-k.exited:
		k.cancel() // ends the dialling
		return k.deathNote()
	case <-ctx.Done():
		k.cancel()
		return fmt.Errorf("no connection: %w", ctx.Err())
	}
	k.read(k.shell, k.replies)
	k.read(iopub, k.published)
	k.read(k.control, nil)
	k.answerInput()
	return nil
}

// read passes a socket's valid messages on until the socket ends. Messages with a wrong
// signature are dropped: they are not from our kernel. Without a receiver the messages
// are taken off the socket all the same, for the other side would block.
func (k *Kernel) read(socket zmq4.Socket, to chan<- message) {
	k.readers.Go(func() {
		for {
			raw, err := socket.Recv()
			if err != nil {
				return
			}
			m, err := parseFrames(k.key, raw.Frames)
			if err != nil || to == nil {
				continue
			}
			select {
			case to <- m:
			case <-k.closing:
			}
		}
	})
}

// answerInput answers a cell that asks for input with an empty line: nobody is there.
func (k *Kernel) answerInput() {
	k.readers.Go(func() {
		for {
			raw, err := k.stdin.Recv()
			if err != nil {
				return
			}
			m, err := parseFrames(k.key, raw.Frames)
			if err != nil || m.header.Type != "input_request" {
				continue
			}
			reply := message{parent: m.header, content: []byte(`{"status":"ok","value":""}`)}
			reply.header = header{ID: k.session + "_input", Session: k.session, Type: "input_reply", Version: protocolVersion}
			if frames, err := reply.frames(k.key); err == nil {
				_ = k.stdin.SendMulti(zmq4.NewMsgFrom(frames...))
			}
		}
	})
}

// greet asks for the kernel's description until both the answer and a published message
// have come: what is published before the subscription arrives is lost.
func (k *Kernel) greet(ctx context.Context) error {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	heard := false
	if _, err := k.send(k.shell, "kernel_info_request", map[string]any{}); err != nil {
		return err
	}
	for k.info == nil || !heard {
		select {
		case m := <-k.replies:
			if m.header.Type == "kernel_info_reply" {
				if err := json.Unmarshal(m.content, &k.info); err != nil {
					return fmt.Errorf("kernel_info_reply: %w", err)
				}
			}
		case <-k.published:
			heard = true
		case <-again.C:
			if _, err := k.send(k.shell, "kernel_info_request", map[string]any{}); err != nil {
				return err
			}
		case <-k.exited:
			return k.deathNote()
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", ctx.Err())
		}
	}
	return nil
}

// send sends a request and returns its id, which the answers will name.
func (k *Kernel) send(socket zmq4.Socket, kind string, content any) (string, error) {
	body, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	k.sent++
	m := message{content: body, header: header{
		ID: fmt.Sprintf("%s_%d", k.session, k.sent), Session: k.session, Username: "whybook",
		Date: time.Now().UTC().Format(time.RFC3339), Type: kind, Version: protocolVersion,
	}}
	frames, err := m.frames(k.key)
	if err != nil {
		return "", err
	}
	return m.header.ID, socket.SendMulti(zmq4.NewMsgFrom(frames...))
}

// LanguageInfo returns the kernel's description of its language, as notebooks keep it.
func (k *Kernel) LanguageInfo() map[string]any {
	info, _ := k.info["language_info"].(map[string]any)
	return info
}

// Interrupt asks the kernel to end the running cell.
func (k *Kernel) Interrupt() error {
	if k.spec.InterruptMode != "message" {
		interruptGroup(k.cmd.Process.Pid)
		return nil
	}
	_, err := k.send(k.control, "interrupt_request", map[string]any{})
	return err
}

// Shutdown ends the kernel and every process it has started, politely at first, and
// removes its temporary files. It may be called twice.
func (k *Kernel) Shutdown() {
	select {
	case <-k.exited:
	default:
		if _, err := k.send(k.control, "shutdown_request", map[string]any{"restart": false}); err == nil {
			k.discard()
			select {
			case <-k.exited:
			case <-time.After(settle):
			}
		}
	}
	k.kill()
}

// discard stops the delivery of messages, so that nothing waits for a receiver.
func (k *Kernel) discard() {
	select {
	case <-k.closing:
	default:
		close(k.closing)
	}
}

func (k *Kernel) kill() {
	k.discard()
	if k.cmd != nil {
		killGroup(k.cmd.Process.Pid)
		<-k.exited
	}
	// The readers end with the sockets; reading on until the kernel has closed its side
	// leaves no goroutine of zmq4 waiting to deliver.
	done := make(chan struct{})
	go func() {
		k.readers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(settle):
	}
	k.cancel()
	for _, socket := range k.sockets {
		_ = socket.Close()
	}
	<-done
	_ = os.RemoveAll(k.scratch)
}

// deathNote says how the kernel ended; only after exited is closed.
func (k *Kernel) deathNote() error {
	how := "exit status 0"
	if k.exitErr != nil {
		how = k.exitErr.Error()
	}
	return fmt.Errorf("%w (%s)", ErrKernelDied, how)
}

// lastWords is how many lines of its log a dead kernel is quoted with.
const lastWords = 5

// logTail returns the last lines of the kernel's log that tell its end: not what GoNB logs
// as information or warning, and of a panic the beginning.
func (k *Kernel) logTail() string {
	data, err := os.ReadFile(filepath.Join(k.scratch, "log"))
	if err != nil {
		return ""
	}
	const most = 64 << 10
	data = data[max(0, len(data)-most):]
	// klog's lines of the severities information and warning, and the line of the severity
	// error with which GoNB tries its log.
	chatter := regexp.MustCompile(`^[IW]\d{4} \d\d:|^E\d{4} .*\] Error message$`)
	colours := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	end := regexp.MustCompile(`^(panic:|fatal error:|F\d{4} )`)
	var lines []string
	begun := false
	for line := range strings.Lines(colours.ReplaceAllString(string(data), "")) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case line == "" || chatter.MatchString(line) || begun && len(lines) == lastWords:
			continue
		case !begun && end.MatchString(line):
			begun, lines = true, nil
		}
		lines = append(lines, line)
	}
	if lines = lines[max(0, len(lines)-lastWords):]; len(lines) == 0 {
		return ""
	}
	return "\nlast words of the kernel:\n" + strings.Join(lines, "\n")
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}
