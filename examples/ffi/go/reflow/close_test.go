package reflow

// The end of handles: beside calls of theirs on other goroutines, and what is called afterwards.

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

const passGraph = `{"processes": {"n": {"component": "Own"}}, "connections": []}`

// ends waits for goroutines; one that does not come back is a fault.
func ends(t *testing.T, all *sync.WaitGroup) {
	t.Helper()
	done := make(chan bool)
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("a call does not come back")
	}
}

// calls lets goroutines call until they are refused, and keeps why.
type calls struct {
	sync.WaitGroup
	mutex   sync.Mutex
	refusal map[string]error
}

func (c *calls) until(name string, call func() error) {
	c.Add(1)
	go func() {
		defer c.Done()
		for {
			if err := call(); err != nil && (!errors.Is(err, ErrTimeout) || strings.Contains(err.Error(), "was closed")) {
				c.mutex.Lock()
				defer c.mutex.Unlock()
				c.refusal[name] = err
				return
			}
		}
	}()
}

func TestCloseBesideCalls(t *testing.T) {
	for round := 0; round < 200; round++ {
		rt, net := oneNode(t, pass)
		output, err := net.OpenOutput("n.out")
		if err != nil {
			t.Fatal(err)
		}
		events, err := net.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		inport, _ := net.Inport("n.in")
		beside := &calls{refusal: map[string]error{}}
		for _, name := range []string{"send", "another send"} {
			beside.until(name, func() error { return inport.Send(1, nil, Forever) })
		}
		beside.until("send many", func() error { return inport.SendMany([]any{1, 2}, Forever) })
		beside.until("idle", func() error { return net.WaitIdle(Forever) })
		beside.until("counters", func() error { _, err := net.Counters("n"); return err })
		beside.until("inport", func() error { _, err := net.Inport("n.in"); return err })
		beside.until("receive", func() error { _, err := output.Receive(8, Forever); return err })
		beside.until("next", func() error { _, _, err := events.Next(8, Forever); return err })
		time.Sleep(time.Duration(round%10) * 100 * time.Microsecond)
		switch round % 3 {
		case 0:
			net.Close()
			output.Close()
			events.Close()
		case 1:
			events.Close()
			output.Close()
			net.Close()
		default:
			rt.Close()
			net.Close()
			output.Close()
			events.Close()
		}
		ends(t, &beside.WaitGroup)
		for name, err := range beside.refusal {
			if !errors.Is(err, ErrClosed) && !errors.Is(err, ErrInvalidState) { // which says "the network is stopped"
				t.Fatal(name, err)
			}
		}
		rt.Close()
	}
}

// Who waits for what never comes is told, too.
func TestCloseEndsWaits(t *testing.T) {
	rt, net := oneNode(t, pass)
	defer rt.Close()
	defer net.Close()
	output, err := net.OpenOutput("n.out")
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.OpenOutput("n.out")
	if err != nil {
		t.Fatal(err)
	}
	events, err := net.Subscribe("ActorFailed")
	if err != nil {
		t.Fatal(err)
	}
	writer, stream, err := rt.OpenStream("")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := rt.Accept(stream)
	if err != nil {
		t.Fatal(err)
	}
	full, stream, err := rt.OpenStream("")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	defer writer.Close()
	waits := &calls{refusal: map[string]error{}}
	waits.until("output", func() error { _, err := output.Receive(1, Forever); return err })
	waits.until("envelope", func() error { _, _, err := other.ReceiveEnveloped(Forever); return err })
	waits.until("subscription", func() error { _, _, err := events.Next(1, Forever); return err })
	waits.until("reader", func() error { _, err := reader.Read(make([]byte, 1)); return err })
	waits.until("writer", func() error { _, err := full.Write([]byte("x")); return err })
	time.Sleep(20 * time.Millisecond) // for them to wait; what is tested holds without it, too
	output.Close()
	other.Close()
	events.Close()
	reader.Close()
	full.Close()
	ends(t, &waits.WaitGroup)
	for name, err := range waits.refusal {
		if !errors.Is(err, ErrClosed) || !strings.Contains(err.Error(), "was closed") {
			t.Error(name, err)
		}
	}
	if len(waits.refusal) != 5 {
		t.Error(waits.refusal)
	}
}

// Whatever waits for a network whose actor does not come to rest.
func TestCloseEndsWaitsForActors(t *testing.T) {
	for name, wait := range map[string]func(net *Network, graph *Graph) error{
		"idle":    func(net *Network, _ *Graph) error { return net.WaitIdle(Forever) },
		"drain":   func(net *Network, _ *Graph) error { return net.Drain(Forever) },
		"pause":   func(net *Network, _ *Graph) error { return net.Pause("", Forever) },
		"replace": func(net *Network, _ *Graph) error { return net.ReplaceNode("n", "Own", map[string]any{"k": 1}) },
		"apply":   func(net *Network, graph *Graph) error { _, err := net.Apply(graph); return err },
		"output":  func(net *Network, _ *Graph) error { _, err := net.OpenOutput("n.out"); return err },
		"send": func(net *Network, _ *Graph) error {
			inport, err := net.Inport("n.in")
			for err == nil { // until it is full, and then until the end
				err = inport.Send(1, nil, Forever)
			}
			return err
		},
	} {
		begun, release := make(chan bool, 64), make(chan bool)
		rt, net := oneNode(t, func(*Firing) error {
			begun <- true
			<-release
			return nil
		})
		graph, err := LoadGraph(`{"processes": {"other": {"component": "Own"}}, "connections": []}`, "json")
		if err != nil {
			t.Fatal(err)
		}
		inport, _ := net.Inport("n.in")
		if err := inport.Send(1, nil, patience); err != nil {
			t.Fatal(err)
		}
		<-begun
		var waiting sync.WaitGroup
		waiting.Add(1)
		entered := make(chan bool)
		go func() {
			defer waiting.Done()
			close(entered)
			if err := wait(net, graph); err == nil && name == "send" {
				t.Error(name)
			}
		}()
		<-entered
		net.Close()
		ends(t, &waiting)
		close(release)
		graph.Close()
		rt.Close()
	}
}

// A peer that dials somebody who never answers.
func TestCloseEndsCallsOfPeers(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	rt, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	peer, err := rt.NewPeer("network_id = 'n'\nbind_address = '127.0.0.1'\nbind_port = 0\nauth_token = 't'")
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Start(); err != nil {
		t.Fatal(err)
	}
	dials := &calls{refusal: map[string]error{}}
	dials.until("connect", func() error { _, err := peer.Connect(silent.Addr().String(), Forever); return err })
	dials.until("port", func() error {
		if peer.Port() == 0 {
			return errClosed("peer")
		}
		return nil
	})
	dialled, err := silent.Accept() // so it waits for an answer
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	peer.Close()
	ends(t, &dials.WaitGroup)
	if err := dials.refusal["connect"]; err == nil {
		t.Error("connected")
	}
}

// A limit of time is kept, also where it is longer than the library is asked to wait at once.
func TestWaitsEndInTime(t *testing.T) {
	rt, net := oneNode(t, pass)
	defer rt.Close()
	defer net.Close()
	output, err := net.OpenOutput("n.out")
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	for _, timeout := range []time.Duration{time.Millisecond, 3 * slice / 2} {
		begun := time.Now()
		if _, err := output.Receive(1, timeout); !errors.Is(err, ErrTimeout) || time.Since(begun) < timeout {
			t.Fatal(timeout, err, time.Since(begun))
		}
	}
	if _, err := output.Receive(1, 0); !errors.Is(err, ErrWouldBlock) {
		t.Fatal(err)
	}
	if _, err := output.Receive(0, 0); !errors.Is(err, ErrInvalidArgument) {
		t.Fatal(err)
	}
}

func TestCloseInSetup(t *testing.T) {
	rt, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	var net *Network
	net = withComponent(t, rt, Component{
		Run:   pass,
		Setup: func(string, map[string]any) error { net.Close(); return nil },
	})
	var starting sync.WaitGroup
	starting.Add(1)
	go func() { defer starting.Done(); net.Start() }()
	ends(t, &starting)
	if err := net.Start(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestEverythingSaysThatItWasClosed(t *testing.T) {
	rt, net := oneNode(t, pass)
	defer rt.Close()
	output, err := net.OpenOutput("n.out")
	if err != nil {
		t.Fatal(err)
	}
	events, err := net.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	inport, _ := net.Inport("n.in")
	graph, err := LoadGraph(passGraph, "json")
	if err != nil {
		t.Fatal(err)
	}
	peer, err := rt.NewPeer("network_id = 'n'\nbind_port = 0")
	if err != nil {
		t.Fatal(err)
	}
	writer, stream, err := rt.OpenStream("")
	if err != nil {
		t.Fatal(err)
	}
	reader, err := rt.Observe(stream)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 2; i++ {
		net.Close()
		output.Close()
		events.Close()
		graph.Close()
		peer.Close()
		writer.Close()
		reader.Close()
		stream.Close()
	}
	for what, all := range map[string][]func() error{
		"network": {
			net.Start,
			func() error { return net.WaitIdle(0) },
			func() error { return net.Drain(0) },
			func() error { return net.Stop(0) },
			net.EndSources, net.CarryEnvelopes,
			func() error { _, err := net.Inport("n.in"); return err },
			func() error { return inport.Send("let go of", nil, 0) },
			func() error { return inport.Send(1, &Envelope{}, 0) },
			func() error { return inport.SendMany([]any{"let", "go", "of"}, 0) },
			func() error { _, err := net.OpenOutput("n.out"); return err },
			func() error { _, err := net.Subscribe(); return err },
			func() error { return net.Pause("", 0) },
			func() error { return net.Resume("") },
			func() error { _, err := net.Step("", 1, 0); return err },
			func() error { _, err := net.Counters("n"); return err },
			func() error { _, err := net.Letters(1); return err },
			func() error { return net.AddNode("m", "Own", map[string]any{"let": "go"}) },
			func() error { return net.Connect("n.out", "n.in") },
			func() error { _, err := net.Apply(graph); return err },
		},
		"output": {
			func() error { _, err := output.Receive(1, 0); return err },
			func() error { _, _, err := output.ReceiveEnveloped(0); return err },
		},
		"subscription": {func() error { _, _, err := events.Next(1, 0); return err }},
		"graph": {
			func() error { _, err := rt.NewNetwork(graph); return err },
			func() error { return graph.SetComponent("n", "Own") },
			func() error { return graph.SetConfig("n", "k", []any{1}) },
		},
		"peer": {
			peer.Start,
			func() error { return peer.Attach(net) },
			func() error { _, err := peer.Connect("127.0.0.1:1", 0); return err },
			func() error { return peer.Send("x", "n.in", "let go of", 0) },
		},
		"writer": {func() error { _, err := writer.Write([]byte("x")); return err }},
		"reader": {func() error { _, err := reader.Read(make([]byte, 1)); return err }},
		"handle of the stream": {
			func() error { _, err := rt.Accept(stream); return err },
			func() error { _, err := rt.Observe(stream); return err },
			func() error { return peerless(t, rt).Send([]any{stream}, nil, patience) },
		},
	} {
		for number, call := range all {
			if err := call(); !errors.Is(err, ErrClosed) || !strings.Contains(err.Error(), "the "+what+" was closed") {
				t.Error(what, number, err)
			}
		}
	}
	if net.State() != "stopped" || peer.Port() != 0 || reader.Begin() != nil || reader.Missed() != 0 {
		t.Error(net.State(), peer.Port(), reader.Begin(), reader.Missed())
	}
}

// peerless is an inport of a network that goes on.
func peerless(t *testing.T, rt *Runtime) Inport {
	t.Helper()
	graph, err := LoadGraph(passGraph, "json")
	if err != nil {
		t.Fatal(err)
	}
	defer graph.Close()
	net, err := rt.NewNetwork(graph)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(net.Close)
	inport, err := net.Inport("n.in")
	if err != nil {
		t.Fatal(err)
	}
	return inport
}

func TestAValueThatHoldsItself(t *testing.T) {
	rt, net := oneNode(t, pass)
	defer rt.Close()
	defer net.Close()
	output, err := net.OpenOutput("n.out")
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	inport, _ := net.Inport("n.in")
	object := map[string]any{}
	object["me"] = object
	list := []any{1, nil}
	list[1] = list
	for start, value := range map[string]any{"$.me.me": object, "$[1][1]": list, "$.a[1][1]": map[string]any{"a": list}} {
		err := inport.Send(value, nil, patience)
		if !errors.Is(err, ErrLimit) || !strings.HasPrefix(err.Error(), start) ||
			!strings.HasSuffix(err.Error(), ": nested deeper than 128 levels; does it hold itself?") || len(err.Error()) > 200 {
			t.Error(start, err)
		}
	}
	// As deep as a message may be, and one more.
	deep := any(1)
	for level := 0; level < 128; level++ {
		deep = []any{deep}
	}
	if err := inport.Send(deep, nil, patience); err != nil {
		t.Fatal(err)
	}
	got, err := output.Receive(1, patience)
	if err != nil {
		t.Fatal(err)
	}
	inner, levels := got[0], 0
	for ; inner != any(int64(1)); levels++ {
		inner = inner.([]any)[0]
	}
	if levels != 128 {
		t.Fatal(levels)
	}
	if err := inport.Send([]any{deep}, nil, patience); !errors.Is(err, ErrLimit) {
		t.Fatal(err)
	}
}

func TestComponentsThatCannotRun(t *testing.T) {
	rt, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	err = rt.Register(Component{ID: "Idle", In: Ports("in")})
	if !errors.Is(err, ErrInvalidArgument) || err.Error() != "the component 'Idle' has neither Run nor New" {
		t.Fatal(err)
	}
	net := withComponent(t, rt, Component{New: func(string, map[string]any) (Actor, error) { return nil, nil }})
	defer net.Close()
	if err := net.Start(); err != nil {
		t.Fatal(err)
	}
	inport, _ := net.Inport("n.in")
	if err := inport.Send(1, nil, patience); err != nil {
		t.Fatal(err)
	}
	if err := net.WaitIdle(patience); err != nil {
		t.Fatal(err)
	}
	letters, err := net.Letters(9)
	if err != nil || len(letters) != 1 || letters[0].(map[string]any)["message"] != "New of the component 'Own' gave no actor" {
		t.Fatal(letters, err)
	}
}
