// The peer "go": goroutines and buffered channels, one goroutine for each actor.
// It speaks the line protocol of bench/contender.hpp; docs/benchmarks.md describes the shapes.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"sync"
	"time"
)

const (
	capacity       = 1000
	ringTokens     = 32
	payloadTargets = 10
	unsupported    = 3
)

var (
	start   = time.Now()
	payload []byte
)

func now() int64 { return int64(time.Since(start)) }

type call struct {
	shape   string
	size, n int64
	spin    uint32
}

func answer(ns, count, sum int64) {
	fmt.Printf("ns=%d count=%d sum=%d\n", ns, count, sum)
}

func work(turns uint32, seed uint64) uint64 {
	seed |= 1
	for ; turns > 0; turns-- {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
	}
	return seed
}

func channel() chan int64 { return make(chan int64, capacity) }

func source(n int64, outs ...chan int64) {
	for i := int64(0); i < n; i++ {
		for _, out := range outs {
			out <- i
		}
	}
}

func pass(in, out chan int64, spin uint32) {
	seed := uint64(0)
	for value := range in {
		if spin != 0 {
			seed = work(spin, seed)
		}
		out <- value
	}
	runtime.KeepAlive(seed)
	close(out)
}

func sink(in chan int64, n int64) (sum int64) {
	for i := int64(0); i < n; i++ {
		sum += <-in
	}
	return sum
}

func pipeline(c call) {
	in := channel()
	last := in
	for i := int64(0); i < c.size; i++ {
		next := channel()
		go pass(last, next, c.spin)
		last = next
	}
	begin := now()
	go source(c.n, in)
	sum := sink(last, c.n)
	answer(now()-begin, c.n, sum)
}

func fanOut(c call) {
	var done sync.WaitGroup
	sums := make([]int64, c.size)
	outs := make([]chan int64, c.size)
	for i := range outs {
		outs[i] = channel()
		done.Add(1)
		go func(i int) {
			sums[i] = sink(outs[i], c.n)
			done.Done()
		}(i)
	}
	begin := now()
	go source(c.n, outs...)
	done.Wait()
	ns, total := now()-begin, int64(0)
	for _, sum := range sums {
		total += sum
	}
	answer(ns, c.n*c.size, total)
}

func fanIn(c call) {
	in := channel()
	each := c.n / c.size
	begin := now()
	for i := int64(0); i < c.size; i++ {
		go source(each, in)
	}
	sum := sink(in, each*c.size)
	answer(now()-begin, each*c.size, sum)
}

// Passes tokens on until each has done its hops.
func bounce(in, out chan int64, hops int64, finished chan int64, count *int64) {
	for value := range in {
		value++
		*count++
		if value >= hops {
			finished <- value
		} else {
			out <- value
		}
	}
}

func rings(c call, count, length, tokens int64) {
	hops := c.n / (count * tokens)
	finished := make(chan int64, count*tokens)
	counts := make([]int64, count*length)
	starts := make([]chan int64, 0, count*tokens)
	for r := int64(0); r < count; r++ {
		ins := make([]chan int64, length)
		for i := range ins {
			ins[i] = channel()
		}
		for i := int64(0); i < length; i++ {
			go bounce(ins[i], ins[(i+1)%length], hops, finished, &counts[r*length+i])
		}
		for t := int64(0); t < tokens; t++ {
			starts = append(starts, ins[t*length/tokens])
		}
	}
	begin := now()
	for _, in := range starts {
		in <- 0
	}
	sum := int64(0)
	for range starts {
		sum += <-finished
	}
	ns, total := now()-begin, int64(0)
	for _, n := range counts {
		total += n
	}
	answer(ns, total, sum)
}

// One packet at a time from here through size goroutines, the last of which reads the clock.
func latency(c call) {
	in, back := channel(), channel()
	last := in
	for i := int64(1); i < c.size; i++ {
		next := channel()
		go pass(last, next, 0)
		last = next
	}
	samples := make([]int64, 0, c.n)
	var sent int64
	sum := int64(0)
	go func() {
		for value := range last {
			samples = append(samples, now()-sent)
			sum += value
			back <- 0
		}
	}()
	begin := now()
	for i := int64(0); i < c.n; i++ {
		sent = now()
		in <- i
		<-back
	}
	ns := now() - begin
	sort.Slice(samples, func(a, b int) bool { return samples[a] < samples[b] })
	fmt.Printf("ns=%d count=%d sum=%d p50=%d\n", ns, len(samples), sum, samples[len(samples)/2])
}

func payloads(c call) {
	payload = make([]byte, c.size)
	for i := range payload {
		payload[i] = 1
	}
	var done sync.WaitGroup
	sums := make([]int64, payloadTargets)
	outs := make([]chan []byte, payloadTargets)
	for i := range outs {
		outs[i] = make(chan []byte, capacity)
		done.Add(1)
		go func(i int) {
			for j := int64(0); j < c.n; j++ {
				bytes := <-outs[i]
				sums[i] += int64(len(bytes)) + int64(bytes[len(bytes)-1])
			}
			done.Done()
		}(i)
	}
	begin := now()
	go func() {
		for i := int64(0); i < c.n; i++ {
			for _, out := range outs {
				out <- payload
			}
		}
	}()
	done.Wait()
	ns, total := now()-begin, int64(0)
	for _, sum := range sums {
		total += sum
	}
	answer(ns, c.n*payloadTargets, total)
}

func resident() int64 {
	debug.FreeOSMemory()
	data, _ := os.ReadFile("/proc/self/statm")
	var total, pages int64
	fmt.Sscan(string(data), &total, &pages)
	return pages * int64(os.Getpagesize())
}

// Channels hold one packet here, so that what is measured is the actor and not its buffer.
func idle(c call) {
	before := resident()
	begin := now()
	in := make(chan int64, 1)
	last := in
	for i := int64(0); i < c.n; i++ {
		next := make(chan int64, 1)
		go func(in, out chan int64) {
			for value := range in {
				out <- value + 1
			}
		}(last, next)
		last = next
	}
	runtime.Gosched()
	ns := now() - begin
	bytes := float64(resident()-before) / float64(c.n)
	in <- 0
	value := <-last
	fmt.Printf("ns=%d count=%d sum=%d bytes=%f\n", ns, value, value, bytes)
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}

func main() {
	if len(os.Args) != 7 {
		fmt.Fprintln(os.Stderr, "usage: go shape size n workers spin variant")
		os.Exit(2)
	}
	c := call{os.Args[1], number(os.Args[2]), number(os.Args[3]), uint32(number(os.Args[5]))}
	runtime.GOMAXPROCS(int(number(os.Args[4])))
	switch c.shape {
	case "pipeline", "work":
		pipeline(c)
	case "start":
		pipeline(call{"start", 1, 1, 0})
	case "fan-out":
		fanOut(c)
	case "fan-in":
		fanIn(c)
	case "ping-pong":
		rings(c, 1, 2, 1)
	case "pairs":
		rings(c, c.size, 2, 1)
	case "ring":
		rings(c, 1, c.size, ringTokens)
	case "latency":
		latency(c)
	case "payload":
		payloads(c)
	case "idle":
		idle(c)
	default:
		os.Exit(unsupported)
	}
}
