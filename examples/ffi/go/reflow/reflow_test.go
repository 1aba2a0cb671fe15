package reflow

// What is Go's own: panics, errors.Is, values that cannot be converted, the end of a runtime.

import (
	"errors"
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
