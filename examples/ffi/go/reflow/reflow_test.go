package reflow

// What is Go's own: panics, errors.Is, values that cannot be converted, the end of a runtime.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func oneNode(t *testing.T, run ActorFunc) (*Runtime, *Network) {
	t.Helper()
	rt, net := newNode(t, run)
	if err := net.Start(); err != nil {
		t.Fatal(err)
	}
	return rt, net
}

// newNode makes the network and does not start it.
func newNode(t *testing.T, run ActorFunc) (*Runtime, *Network) {
	t.Helper()
	rt, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	component := Component{ID: "Own", In: Ports("in"), Out: Ports("out"), Run: run, Concurrency: 64}
	if err := rt.Register(component); err != nil {
		t.Fatal(err)
	}
	graph, err := LoadGraph(`{"processes": {"n": {"component": "Own"}}, "connections": []}`, "json")
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	net, err := rt.NewNetwork(graph)
	if err != nil {
		t.Fatal(err)
	}
	return rt, net
}

func TestActorsSeeEnvelopes(t *testing.T) {
	seen := make(chan Envelope, 2)
	rt, net := newNode(t, func(f *Firing) error {
		seen <- f.Inputs[0].Envelope
		return nil
	})
	defer rt.Close()
	defer net.Close()
	if err := net.CarryEnvelopes(); err != nil {
		t.Fatal(err)
	}
	if err := net.Start(); err != nil {
		t.Fatal(err)
	}
	inport, err := net.Inport("n.in")
	if err != nil {
		t.Fatal(err)
	}
	sent := Envelope{Correlation: "order 7", DeadlineMs: 1 << 42}
	for _, envelope := range []*Envelope{&sent, nil} {
		if err := inport.Send(1, envelope, patience); err != nil {
			t.Fatal(err)
		}
		want := Envelope{}
		if envelope != nil {
			want = *envelope
		}
		if got := <-seen; got != want {
			t.Fatal(got)
		}
	}
}

func TestPanicIsAFailedFiring(t *testing.T) {
	rt, net := oneNode(t, func(*Firing) error { panic("on purpose") })
	defer rt.Close()
	defer net.Close()
	inport, _ := net.Inport("n.in")
	if err := inport.Send(1, nil, patience); err != nil {
		t.Fatal(err)
	}
	if err := net.WaitIdle(patience); err != nil {
		t.Fatal(err)
	}
	letters, err := net.Letters(9)
	if err != nil || len(letters) != 1 {
		t.Fatal(letters, err)
	}
	letter := letters[0].(map[string]any)
	if letter["message"] != "panic: on purpose" || !strings.Contains(letter["trace"].(string), "reflow_test.go") {
		t.Fatal(letter)
	}
	if letter["status"] != "REFLOW_ERROR_HOST" {
		t.Fatal(letter["status"])
	}
}

// withComponent makes a network of one node; the component is registered as it is.
func withComponent(t *testing.T, rt *Runtime, component Component) *Network {
	t.Helper()
	component.ID, component.In, component.Out = "Own", Ports("in"), Ports("out")
	if err := rt.Register(component); err != nil {
		t.Fatal(err)
	}
	graph, err := LoadGraph(`{"processes": {"n": {"component": "Own"}}, "connections": []}`, "json")
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	net, err := rt.NewNetwork(graph)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func TestPanicsInSetupAndNew(t *testing.T) {
	rt, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	net := withComponent(t, rt, Component{
		Run:   pass,
		Setup: func(string, map[string]any) error { panic("in Setup") },
	})
	err = net.Start()
	net.Close()
	if err == nil || !strings.Contains(err.Error(), "panic: in Setup") || !strings.Contains(err.Error(), "reflow_test.go") {
		t.Fatal(err)
	}

	other, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	made := 0
	net = withComponent(t, other, Component{New: func(string, map[string]any) (Actor, error) {
		if made++; made == 1 {
			panic("in New")
		}
		return ActorFunc(pass), nil
	}})
	defer net.Close()
	if err := net.Start(); err != nil {
		t.Fatal(err)
	}
	inport, _ := net.Inport("n.in")
	for i := 0; i < 2; i++ {
		if err := inport.Send(i, nil, patience); err != nil {
			t.Fatal(err)
		}
		if err := net.WaitIdle(patience); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := net.Letters(9)
	if err != nil || len(letters) != 1 || letters[0].(map[string]any)["message"] != "panic: in New" {
		t.Fatal(letters, err)
	}
}

// New may use the runtime, and take its time: other actors go on meanwhile.
func TestNewHoldsUpNobody(t *testing.T) {
	rt, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	begun, release := make(chan bool), make(chan bool)
	slow := withComponent(t, rt, Component{Concurrency: 2, New: func(string, map[string]any) (Actor, error) {
		begun <- true // the second time there would be nobody to hear it
		<-release
		return ActorFunc(pass), rt.Register(Component{ID: "Late", In: Ports("in"), Out: Ports("out"), Run: pass})
	}})
	defer slow.Close()
	if err := rt.Register(Component{ID: "Quick", In: Ports("in"), Out: Ports("out"), Run: pass}); err != nil {
		t.Fatal(err)
	}
	graph, err := LoadGraph(`{"processes": {"q": {"component": "Quick"}}, "connections": []}`, "json")
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	quick, err := rt.NewNetwork(graph)
	if err != nil {
		t.Fatal(err)
	}
	defer quick.Close()
	for _, net := range []*Network{slow, quick} {
		if err := net.Start(); err != nil {
			t.Fatal(err)
		}
	}
	in, _ := slow.Inport("n.in")
	if err := in.SendMany([]any{1, 2}, patience); err != nil {
		t.Fatal(err)
	}
	<-begun
	in, _ = quick.Inport("q.in")
	if err := in.Send(1, nil, patience); err != nil {
		t.Fatal(err)
	}
	if err := quick.WaitIdle(patience); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := slow.WaitIdle(patience); err != nil {
		t.Fatal(err)
	}
	if letters, _ := slow.Letters(9); len(letters) != 0 {
		t.Fatal(letters)
	}
}

func TestAfterClose(t *testing.T) {
	rt, net := oneNode(t, pass)
	net.Close()
	_, stream, err := rt.OpenStream("")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	graph, err := LoadGraph(`{"processes": {"n": {"component": "Own"}}, "connections": []}`, "json")
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	rt.Close()
	for name, call := range map[string]func() error{
		"Register":   func() error { return rt.Register(Component{ID: "Late", In: Ports("in"), Run: pass}) },
		"NewNetwork": func() error { _, err := rt.NewNetwork(graph); return err },
		"NewPeer":    func() error { _, err := rt.NewPeer("network_id = 'n'\nbind_port = 0"); return err },
		"OpenStream": func() error { _, _, err := rt.OpenStream(""); return err },
		"Accept":     func() error { _, err := rt.Accept(stream); return err },
		"Observe":    func() error { _, err := rt.Observe(stream); return err },
		"Components": func() error { _, err := rt.Components(); return err },
	} {
		if err := call(); !errors.Is(err, ErrClosed) || !strings.Contains(err.Error(), "the runtime was closed") {
			t.Error(name, err)
		}
	}
}

func TestErrors(t *testing.T) {
	rt, net := oneNode(t, func(f *Firing) error { return f.Emit("owt", 1) })
	defer rt.Close()
	defer net.Close()
	_, err := net.Inport("n.inn")
	if !errors.Is(err, ErrNotFound) || errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	var failure *Error
	if !errors.As(err, &failure) || failure.Hint != "did you mean 'in'?" || failure.Node != "n" {
		t.Fatalf("%+v", failure)
	}
	inport, err := net.Inport("n.in")
	if err != nil {
		t.Fatal(err)
	}
	err = inport.Send(map[string]any{"rows": []any{1, struct{}{}}}, nil, patience)
	if err == nil || !strings.Contains(err.Error(), "$.rows[1]") || !strings.Contains(err.Error(), "struct {}") {
		t.Fatal(err)
	}
	if err := inport.Send(1, nil, patience); err != nil {
		t.Fatal(err)
	}
	if err := net.WaitIdle(patience); err != nil {
		t.Fatal(err)
	}
	letters, _ := net.Letters(9)
	if len(letters) != 1 || !strings.Contains(letters[0].(map[string]any)["message"].(string), "no outport 'owt'") {
		t.Fatal(letters)
	}
}

// Everything may be closed in any order, also with firings under way.
func TestEnds(t *testing.T) {
	begun, release := make(chan bool), make(chan bool)
	rt, net := oneNode(t, func(f *Firing) error {
		begun <- true
		<-release
		return f.Emit("out", 1)
	})
	inport, _ := net.Inport("n.in")
	if err := inport.SendMany([]any{1, 2}, patience); err != nil {
		t.Fatal(err)
	}
	<-begun
	<-begun
	net.Close() // cancels them
	close(release)
	rt.Close()
	rt.Close()
}

func BenchmarkActor(b *testing.B) {
	rt, err := NewRuntime(Options{Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer rt.Close()
	rt.Register(Component{ID: "Pass", In: Ports("in"), Out: Ports("out"), Run: pass, Concurrency: 256})
	graph, _ := LoadGraph(`{"processes": {"n": {"component": "Pass"}}, "connections": []}`, "json")
	net, err := rt.NewNetwork(graph)
	if err != nil {
		b.Fatal(err)
	}
	defer net.Close()
	output, _ := net.OpenOutput("n.out")
	defer output.Close()
	net.Start()
	inport, _ := net.Inport("n.in")
	values := make([]any, 256)
	for i := range values {
		values[i] = i
	}
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += len(values) {
		inport.SendMany(values, patience)
		for got := 0; got < len(values); {
			some, err := output.Receive(len(values), patience)
			if err != nil {
				b.Fatal(err)
			}
			got += len(some)
		}
	}
}

// gathers makes a network whose actor gathers the stream that it is sent.
func gathers(t *testing.T) (*Runtime, *Network) {
	t.Helper()
	var rt *Runtime
	rt, net := newNode(t, func(f *Firing) error {
		stream, ok := f.Inputs[0].Value.(*Stream)
		if !ok {
			return errors.New("not a stream")
		}
		reader, err := rt.Accept(stream)
		if err != nil {
			return err
		}
		defer reader.Close()
		data, err := io.ReadAll(reader)
		if err != nil {
			return err
		}
		return f.Emit("out", data)
	})
	return rt, net
}

func TestAStreamArrivesWholeAndInOrder(t *testing.T) {
	rt, net := gathers(t)
	defer rt.Close()
	defer net.Close()
	output, err := net.OpenOutput("n.out")
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	if err := net.Start(); err != nil {
		t.Fatal(err)
	}
	writer, stream, err := rt.OpenStream("text/plain")
	if err != nil {
		t.Fatal(err)
	}
	observer, err := rt.Observe(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer observer.Close()
	inport, _ := net.Inport("n.in")
	if err := inport.Send(stream, nil, patience); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	var all bytes.Buffer
	for i := 0; i < 1000; i++ { // 64 frames fit: writing waits for the reader
		fmt.Fprintf(io.MultiWriter(writer, &all), "line %d\n", i)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	values, err := output.Receive(1, patience)
	if err != nil || !bytes.Equal(values[0].([]byte), all.Bytes()) {
		t.Fatal(err, values)
	}
	if got := observer.Begin()["content_type"]; got != "text/plain" {
		t.Fatal(got)
	}
	seen, err := io.ReadAll(observer)
	if err != nil || !bytes.Equal(seen, all.Bytes()[:len(seen)]) || bytes.Count(seen, []byte("\n"))+int(observer.Missed()) != 1000 {
		t.Fatal(err, len(seen), observer.Missed())
	}
}

func TestAStreamThatFailsTellsItsReader(t *testing.T) {
	rt, net := gathers(t)
	defer rt.Close()
	defer net.Close()
	if err := net.Start(); err != nil {
		t.Fatal(err)
	}
	inport, _ := net.Inport("n.in")
	writer, stream, err := rt.OpenStream("")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := inport.Send(stream, nil, patience); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write([]byte("some")); err != nil {
		t.Fatal(err)
	}
	if err := writer.CloseWithError(errors.New("no more")); err != nil {
		t.Fatal(err)
	}
	if err := net.WaitIdle(patience); err != nil {
		t.Fatal(err)
	}
	letters, err := net.Letters(9)
	if err != nil || len(letters) != 1 || !strings.Contains(fmt.Sprint(letters[0]), "no more") {
		t.Fatal(letters, err)
	}
	if _, err := rt.Accept(stream); err == nil || !strings.Contains(err.Error(), "has a reader already") {
		t.Fatal(err)
	}
}

func TestStreamsThatAnActorDoesNotTakeAreClosed(t *testing.T) {
	rt, net := oneNode(t, func(f *Firing) error { return nil })
	defer rt.Close()
	defer net.Close()
	inport, _ := net.Inport("n.in")
	writer, stream, err := rt.OpenStream("")
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := inport.Send(stream, nil, patience); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	for err == nil { // until the firing has ended; a stream that stays open would fill, and this would wait
		_, err = writer.Write([]byte("x"))
	}
	if !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestPeersSendToEachOther(t *testing.T) {
	there, net := newNode(t, func(f *Firing) error { return f.Emit("out", "heard "+f.Inputs[0].Value.(string)) })
	defer there.Close()
	defer net.Close()
	output, err := net.OpenOutput("n.out")
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	if err := net.Start(); err != nil {
		t.Fatal(err)
	}
	studio, err := there.NewPeer("network_id = 'studio'\nbind_address = '127.0.0.1'\nbind_port = 0\nauth_token = 't'")
	if err != nil {
		t.Fatal(err)
	}
	defer studio.Close()
	if err := studio.Attach(net); err != nil {
		t.Fatal(err)
	}
	if err := studio.Start(); err != nil {
		t.Fatal(err)
	}
	here, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	kiln, err := here.NewPeer("network_id = 'kiln'\nbind_address = '127.0.0.1'\nbind_port = 0\nauth_token = 't'")
	if err != nil {
		t.Fatal(err)
	}
	defer kiln.Close()
	if err := kiln.Start(); err != nil {
		t.Fatal(err)
	}
	if name, err := kiln.Connect(fmt.Sprintf("127.0.0.1:%d", studio.Port()), patience); err != nil || name != "studio" {
		t.Fatal(name, err)
	}
	for i := 0; i < 3; i++ {
		text := fmt.Sprint("hello ", i)
		if err := kiln.Send("studio", "n.in", text, patience); err != nil {
			t.Fatal(err)
		}
		if values, err := output.Receive(1, patience); err != nil || values[0] != "heard "+text {
			t.Fatal(values, err)
		}
	}
	if err := kiln.Send("studio", "nobody.in", 1, patience); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := here.NewPeer("network_id = 'x'\nbind_port = 0\nauth_tokn = 't'"); err == nil || !strings.Contains(err.Error(), "did you mean 'auth_token'?") {
		t.Fatal(err)
	}
}
