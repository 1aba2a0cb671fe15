package reflow

// The components of the conformance scenarios, in Go. tests/conformance/README.md says what each does.

import (
	"errors"
	"fmt"
)

func pass(f *Firing) error { return f.Emit("out", f.Inputs[0].Value) }

func double(f *Firing) error {
	switch v := f.Inputs[0].Value.(type) {
	case int64:
		return f.Emit("out", 2*v)
	case float64:
		return f.Emit("out", 2*v)
	}
	return &Failure{"not a number", "send an integer or a float"}
}

func add(f *Firing) error {
	a, okA := f.Inputs[0].Value.(int64)
	b, okB := f.Inputs[1].Value.(int64)
	if !okA || !okB {
		return errors.New("not two integers")
	}
	return f.Emit("out", a+b)
}

func latest(f *Firing) error {
	return f.Emit("out", map[string]any{"a": f.Inputs[0].Value, "b": f.Inputs[1].Value})
}

func failOnOdd(f *Firing) error {
	number, ok := f.Inputs[0].Value.(int64)
	if !ok || number%2 != 0 {
		return &Failure{fmt.Sprintf("odd: %v", f.Inputs[0].Value), "send even numbers"}
	}
	return f.Emit("out", number)
}

func emitThenFail(f *Firing) error {
	if err := f.Emit("out", f.Inputs[0].Value); err != nil {
		return err
	}
	return errors.New("failed after its output")
}

func splitArray(f *Firing) error {
	values, _ := f.Inputs[0].Value.([]any)
	for _, value := range values {
		if err := f.Emit("out", value); err != nil {
			return err
		}
	}
	return nil
}

func indexed(f *Firing) error {
	var index any
	if f.Inputs[0].Index >= 0 {
		index = f.Inputs[0].Index
	}
	return f.Emit("out", map[string]any{"index": index, "value": f.Inputs[0].Value})
}

func config(f *Firing) error { return f.Emit("out", f.Config) }

// later ends the firing on another goroutine.
func later(f *Firing) error {
	f.Leave()
	go func() {
		value := f.Inputs[0].Value
		if number, ok := value.(int64); ok && number < 0 {
			f.End(&Failure{fmt.Sprintf("negative: %d", number), "send numbers from 0 up"})
			return
		}
		f.End(f.Emit("out", value))
	}()
	return nil
}

func never(f *Firing) error {
	f.Leave()
	return nil
}

type total struct{ sum int64 }

func (t *total) Run(f *Firing) error {
	number, ok := f.Inputs[0].Value.(int64)
	if !ok {
		return errors.New("not an integer")
	}
	t.sum += number
	return f.Emit("out", t.sum)
}

type failFirst struct{ left int64 }

func (a *failFirst) Run(f *Firing) error {
	if a.left > 0 {
		a.left--
		return errors.New("not yet")
	}
	return f.Emit("out", f.Inputs[0].Value)
}

// count is a source: one number in each firing, up to end if that is not below 0.
type count struct{ next, end int64 }

func (c *count) Run(f *Firing) error {
	if c.end >= 0 && c.next >= c.end {
		return nil
	}
	f.Again()
	c.next++
	return f.Emit("out", c.next-1)
}

func number(config map[string]any, key string, otherwise int64) int64 {
	if value, ok := config[key].(int64); ok {
		return value
	}
	return otherwise
}

func conformanceComponents() []Component {
	plain := func(id string, run ActorFunc) Component {
		return Component{ID: id, In: Ports("in"), Out: Ports("out"), Run: run}
	}
	stateful := func(id string, make func(config map[string]any) Actor) Component {
		return Component{ID: id, In: Ports("in"), Out: Ports("out"),
			New: func(_ string, config map[string]any) (Actor, error) { return make(config), nil }}
	}
	components := []Component{
		plain("Pass", pass), plain("Double", double), plain("FailOnOdd", failOnOdd),
		plain("EmitThenFail", emitThenFail), plain("Split", splitArray), plain("Indexed", indexed),
		plain("Config", config), plain("Later", later), plain("Never", never), plain("SetupFails", pass),
		{ID: "Add", In: Ports("a", "b"), Out: Ports("out"), Await: All, Run: add},
		{ID: "Latest", In: Ports("a", "b"), Out: Ports("out"), Await: Required, Run: latest},
		stateful("Total", func(c map[string]any) Actor { return &total{number(c, "start", 0)} }),
		stateful("FailFirst", func(c map[string]any) Actor { return &failFirst{number(c, "times", 0)} }),
		stateful("Count", func(c map[string]any) Actor { return &count{0, number(c, "n", 0)} }),
		stateful("Endless", func(map[string]any) Actor { return &count{0, -1} }),
	}
	for i := range components {
		switch c := &components[i]; c.ID {
		case "Later", "Never":
			c.Concurrency = 8
		case "Latest":
			c.In[0].Required = true
		case "Indexed":
			c.In[0].Array = true
		case "Count", "Endless":
			c.In = nil
		case "SetupFails":
			c.Setup = func(string, map[string]any) error { return errors.New("no such device") }
		}
	}
	return components
}
