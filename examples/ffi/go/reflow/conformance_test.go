package reflow

// Plays the scenarios that all languages play; tests/conformance/README.md has their format.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

const patience = 10 * time.Second

type scenario struct {
	Name, About      string
	Graph            json.RawMessage
	Document, Format string
	Runtime          struct {
		PortCapacity int  `json:"port_capacity"`
		CheckTypes   bool `json:"check_types"`
	}
	Envelopes bool
	Outputs   []string
	Events    []string
	Refused   *refusal
	Steps     []map[string]json.RawMessage
}

type refusal struct {
	At, Status, Hint, Node, Port, Path string
	Message                            any
	Line, Column                       int
}

// player is one scenario under way.
type player struct {
	*testing.T
	net     *Network
	outputs map[string]*Output
	events  *Subscription
	step    int
}

func TestConformance(t *testing.T) {
	folder := os.Getenv("REFLOW_SCENARIOS")
	if folder == "" {
		folder = "../../../../tests/conformance/scenarios"
	}
	files, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	if len(files) < 30 {
		t.Fatalf("only %d scenarios in %s", len(files), folder)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s scenario
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		t.Run(s.Name, func(t *testing.T) { play(t, &s) })
	}
}

func play(t *testing.T, s *scenario) {
	rt, err := NewRuntime(Options{Workers: 2, PortCapacity: s.Runtime.PortCapacity, CheckTypes: s.Runtime.CheckTypes})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	for _, component := range conformanceComponents() {
		if err := rt.Register(component); err != nil {
			t.Fatal(err)
		}
	}
	p := &player{T: t, outputs: map[string]*Output{}}
	defer p.close()
	document, format := s.Document, s.Format
	if s.Graph != nil {
		document, format = string(s.Graph), "json"
	}
	graph, err := LoadGraph(document, format)
	if p.ends(s, "load", err) {
		return
	}
	defer graph.Close()
	p.net, err = rt.NewNetwork(graph)
	if p.ends(s, "create", err) {
		return
	}
	p.listen(s)
	if p.ends(s, "start", p.net.Start()) {
		return
	}
	for i, step := range s.Steps {
		p.step = i + 1
		p.play(step)
	}
}

func (p *player) close() {
	for _, output := range p.outputs {
		output.Close()
	}
	if p.events != nil {
		p.events.Close()
	}
	if p.net != nil {
		p.net.Close()
	}
}

// ends tells whether the scenario ends with this phase.
func (p *player) ends(s *scenario, phase string, err error) bool {
	if s.Refused != nil && s.Refused.At == phase {
		p.refused(s.Refused, err)
		return true
	}
	p.works(err)
	return false
}

func (p *player) listen(s *scenario) {
	for _, place := range s.Outputs {
		output, err := p.net.OpenOutput(place)
		p.works(err)
		p.outputs[place] = output
	}
	if s.Envelopes {
		p.works(p.net.CarryEnvelopes())
	}
	if s.Events != nil {
		var err error
		p.events, err = p.net.Subscribe(s.Events...)
		p.works(err)
	}
}

func (p *player) fail(format string, arguments ...any) {
	p.Helper()
	p.Fatalf("step %d: %s", p.step, fmt.Sprintf(format, arguments...))
}

func (p *player) works(err error) {
	p.Helper()
	if err != nil {
		p.fail("%v", err)
	}
}

func (p *player) refused(r *refusal, err error) {
	p.Helper()
	var e *Error
	if !errors.As(err, &e) {
		p.fail("no failure but %v", err)
	}
	if r.Status != "" && e.Status.Name() != r.Status {
		p.fail("%s instead of %s: %v", e.Status.Name(), r.Status, err)
	}
	parts, _ := r.Message.([]any)
	if one, ok := r.Message.(string); ok {
		parts = []any{one}
	}
	for _, part := range parts {
		if !strings.Contains(e.Message, part.(string)) {
			p.fail("the message '%s' has no '%s'", e.Message, part)
		}
	}
	for _, pair := range [][2]string{{r.Hint, e.Hint}, {r.Node, e.Node}, {r.Port, e.Port}, {r.Path, e.Path}} {
		if pair[0] != "" && pair[0] != pair[1] {
			p.fail("'%s' and not '%s' in %v", pair[1], pair[0], err)
		}
	}
	if r.Line != 0 && r.Line != e.Line || r.Column != 0 && r.Column != e.Column {
		p.fail("line %d, column %d in %v", e.Line, e.Column, err)
	}
}

// ---- values

// value makes a value of Go of the notation.
func (p *player) value(notation json.RawMessage) any {
	var raw any
	decoder := json.NewDecoder(bytes.NewReader(notation))
	decoder.UseNumber()
	p.works(decoder.Decode(&raw))
	return p.convert(raw)
}

func (p *player) convert(raw any) any {
	switch v := raw.(type) {
	case json.Number:
		if integer, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return integer
		}
		number, err := v.Float64()
		p.works(err)
		return number
	case []any:
		values := make([]any, len(v))
		for i := range v {
			values[i] = p.convert(v[i])
		}
		return values
	case map[string]any:
		for key, data := range v {
			if len(v) == 1 && strings.HasPrefix(key, "$") {
				return p.special(key, data)
			}
		}
		values := make(map[string]any, len(v))
		for key := range v {
			values[key] = p.convert(v[key])
		}
		return values
	}
	return raw
}

func (p *player) special(key string, data any) any {
	text, _ := data.(string)
	switch key {
	case "$integer":
		integer, err := strconv.ParseInt(text, 10, 64)
		p.works(err)
		return integer
	case "$float":
		number, err := strconv.ParseFloat(text, 64)
		p.works(err)
		return number
	case "$bytes":
		bytes, err := hex.DecodeString(text)
		p.works(err)
		return bytes
	case "$error":
		return ErrorValue(text)
	case "$flow":
		return Flow{}
	case "$deep":
		levels, _ := data.(json.Number).Int64()
		value := []any{}
		for ; levels > 1; levels-- {
			value = []any{value}
		}
		return value
	case "$text":
		times, _ := data.([]any)[1].(json.Number).Int64()
		return strings.Repeat(data.([]any)[0].(string), int(times))
	}
	p.fail("there is no value %s", key)
	return nil
}

// same compares values; NaN equals NaN.
func same(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && (x == y || math.IsNaN(x) && math.IsNaN(y))
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for key := range x {
			if other, ok := y[key]; !ok || !same(x[key], other) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}
