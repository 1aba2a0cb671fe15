// Weather runs the graph of examples/weather with its node "alerts" replaced by an actor in Go, prints the
// events of the run, and compares the alerts that were written with what it computes from the CSV itself.
//
//	go run ./weather [GRAPH [OUTPUT_FOLDER]]
package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"reflow.example/ffi/reflow"
)

// alerts applies two rules to each row. Its thresholds are in the configuration of the node.
type alerts struct{ wind, precipitation float64 }

func newAlerts(_ string, config map[string]any) (reflow.Actor, error) {
	wind, isWind := number(config["wind"])
	precipitation, isPrecipitation := number(config["precipitation"])
	if !isWind || !isPrecipitation {
		return nil, errors.New("'wind' and 'precipitation' are not both numbers")
	}
	return &alerts{wind, precipitation}, nil
}

func (a *alerts) Run(firing *reflow.Firing) error {
	row, ok := firing.Inputs[0].Value.(map[string]any)
	if !ok {
		return &reflow.Failure{Message: "a row is no object", Hint: "connect an outport that sends rows"}
	}
	for _, rule := range []struct {
		name      string
		threshold float64
	}{{"wind", a.wind}, {"precipitation", a.precipitation}} {
		value, ok := number(row[rule.name])
		if !ok {
			return fmt.Errorf("the row has no number '%s'", rule.name)
		}
		if value < rule.threshold {
			continue
		}
		alert := map[string]any{"date": row["date"], "rule": rule.name, "value": value}
		if err := firing.Emit("matched", alert); err != nil {
			return err
		}
	}
	return nil
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// run plays the graph and returns how often each kind of event came.
func run(path, folder string) (map[string]int, error) {
	rt, err := reflow.NewRuntime(reflow.Options{})
	if err != nil {
		return nil, err
	}
	defer rt.Close()
	err = rt.Register(reflow.Component{
		ID: "AlertsInGo", Description: "Two rules for rows of weather.",
		In: []reflow.Port{{Name: "in", Type: "object"}}, Out: []reflow.Port{{Name: "matched", Type: "object"}},
		New: newAlerts,
	})
	if err != nil {
		return nil, err
	}
	graph, err := reflow.LoadGraphFile(path)
	if err != nil {
		return nil, err
	}
	defer graph.Close()
	if err := graph.SetComponent("alerts", "AlertsInGo"); err != nil {
		return nil, err
	}
	for _, writer := range []string{"summary", "alerts_file", "rejects", "chart"} {
		if err := graph.SetConfig(writer, "folder", folder); err != nil {
			return nil, err
		}
	}
	network, err := rt.NewNetwork(graph)
	if err != nil {
		return nil, err
	}
	defer network.Close()
	events, err := network.Subscribe()
	if err != nil {
		return nil, err
	}
	defer events.Close()
	told := make(chan map[string]int)
	go func() { told <- listen(events) }()
	if err := network.Start(); err != nil {
		return nil, err
	}
	if err := network.Drain(time.Minute); err != nil {
		return nil, err
	}
	if err := network.Stop(time.Minute); err != nil {
		return nil, err
	}
	return <-told, nil
}

// listen prints events until the network has ended.
func listen(events *reflow.Subscription) map[string]int {
	counts := map[string]int{}
	for {
		batch, missed, err := events.Next(64, reflow.Forever)
		if err != nil { // closed: the network has stopped
			return counts
		}
		if missed != 0 {
			fmt.Println(missed, "events were lost")
		}
		for _, event := range batch {
			counts[event.Kind]++
			fmt.Println(strings.TrimSpace(strings.Join([]string{event.Kind, event.Node, event.Error}, " ")))
		}
	}
}

// expected counts the alerts in the CSV without reflow, by the thresholds of the graph.
func expected(path string) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return 0, err
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	count := 0
	for _, row := range rows[1:] {
		wind, _ := strconv.ParseFloat(row[column["wind"]], 64)
		precipitation, _ := strconv.ParseFloat(row[column["precipitation"]], 64)
		if wind >= 9 {
			count++
		}
		if precipitation >= 50 {
			count++
		}
	}
	return count, nil
}

func check(path, folder string) error {
	counts, err := run(path, folder)
	if err != nil {
		return err
	}
	written, err := os.ReadFile(filepath.Join(folder, "alerts.jsonl"))
	if err != nil {
		return err
	}
	want, err := expected(filepath.Join(filepath.Dir(path), "seattle-weather.csv"))
	if err != nil {
		return err
	}
	got := strings.Count(string(written), "\n")
	fmt.Printf("%d alerts in %s\n", got, filepath.Join(folder, "alerts.jsonl"))
	if got != want || want == 0 {
		return fmt.Errorf("%d alerts were written, and the data has %d", got, want)
	}
	if counts["NetworkStarted"] != 1 || counts["NetworkShutdown"] != 1 || counts["ActorFailed"] != 0 {
		return fmt.Errorf("the events are %v", counts)
	}
	return nil
}

func main() {
	path, folder := "../../weather/weather.graph.json", "build/weather"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if len(os.Args) > 2 {
		folder = os.Args[2]
	}
	if err := check(path, folder); err != nil {
		var failure *reflow.Error
		if errors.As(err, &failure) && failure.Hint != "" {
			fmt.Fprintln(os.Stderr, "hint:", failure.Hint)
		}
		fmt.Fprintln(os.Stderr, "weather:", err)
		os.Exit(1)
	}
}
