%% The peer "erlang": a process for each actor. Mailboxes have no bound there, so that sources send on
%% as sinks acknowledge. It speaks the line protocol of bench/contender.hpp.
-module(bench).
-export([main/0]).

-define(CREDIT, 1000).
-define(CREDITS, 4).
-define(RING_TOKENS, 32).
-define(PAYLOAD_TARGETS, 10).
-define(UNSUPPORTED, 3).

main() ->
    [Shape | Rest] = init:get_plain_arguments(),
    [Size, N, _Workers, _Spin] = [list_to_integer(Text) || Text <- lists:sublist(Rest, 4)],
    run(Shape, Size, N),
    halt(0).

run("pipeline", Size, N) -> pipeline(Size, N);
run("start", _, _) -> pipeline(1, 1);
run("fan-out", Size, N) -> fan_out(Size, N);
run("fan-in", Size, N) -> fan_in(Size, N);
run("ping-pong", _, N) -> rings(1, 2, 1, N);
run("pairs", Size, N) -> rings(Size, 2, 1, N);
run("ring", Size, N) -> rings(1, Size, ?RING_TOKENS, N);
run("latency", Size, N) -> latency(Size, N);
run("payload", Size, N) -> payload(Size, N);
run("idle", _, N) -> idle(N);
run(_, _, _) -> halt(?UNSUPPORTED).

now_ns() -> erlang:monotonic_time(nanosecond).

answer(Ns, Count, Sum) -> io:format("ns=~b count=~b sum=~b~n", [Ns, Count, Sum]).

%% Sends 0 .. N-1 to each target.
source(Next, N, _) when Next =:= N -> ok;
source(Next, N, Targets) when Next rem ?CREDIT =:= 0, Next >= ?CREDIT * ?CREDITS ->
    receive more -> emit(Next, N, Targets) end;
source(Next, N, Targets) -> emit(Next, N, Targets).

emit(Next, N, Targets) ->
    [Target ! {Next, self()} || Target <- Targets],
    source(Next + 1, N, Targets).

pass(Target) ->
    receive
        {_, _} = Packet ->
            Target ! Packet,
            pass(Target)
    end.

sink(Left, Sum, _, Master) when Left =:= 0 -> Master ! {done, Sum};
sink(Left, Sum, Acknowledges, Master) ->
    receive
        {Value, From} ->
            acknowledge(Acknowledges, Value, From),
            sink(Left - 1, Sum + Value, Acknowledges, Master)
    end.

acknowledge(true, Value, From) when Value rem ?CREDIT =:= ?CREDIT - 1 -> From ! more;
acknowledge(_, _, _) -> ok.

spawn_sink(N, Acknowledges) ->
    Master = self(),
    spawn(fun() -> sink(N, 0, Acknowledges, Master) end).

sums(Count) -> lists:sum([receive {done, Sum} -> Sum end || _ <- lists:seq(1, Count)]).

pipeline(Size, N) ->
    Sink = spawn_sink(N, true),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> pass(Next) end) end, Sink,
                        lists:seq(1, Size)),
    Begin = now_ns(),
    spawn(fun() -> source(0, N, [First]) end),
    Sum = sums(1),
    answer(now_ns() - Begin, N, Sum).

fan_out(Size, N) ->
    Sinks = [spawn_sink(N, I =:= Size) || I <- lists:seq(1, Size)],
    Begin = now_ns(),
    spawn(fun() -> source(0, N, Sinks) end),
    Sum = sums(Size),
    answer(now_ns() - Begin, N * Size, Sum).

fan_in(Size, N) ->
    Each = N div Size,
    Sink = spawn_sink(Each * Size, true),
    Begin = now_ns(),
    [spawn(fun() -> source(0, Each, [Sink]) end) || _ <- lists:seq(1, Size)],
    Sum = sums(1),
    answer(now_ns() - Begin, Each * Size, Sum).

bounce(Hops, Master) -> receive {next, Next} -> bounce(Next, Hops, 0, Master) end.

bounce(Next, Hops, Count, Master) ->
    receive
        Value when is_integer(Value), Value + 1 < Hops ->
            Next ! Value + 1,
            bounce(Next, Hops, Count + 1, Master);
        Value when is_integer(Value) ->
            Master ! {done, Value + 1},
            bounce(Next, Hops, Count + 1, Master);
        count -> Master ! {count, Count}
    end.

ring(Length, Hops) ->
    Master = self(),
    Actors = [spawn(fun() -> bounce(Hops, Master) end) || _ <- lists:seq(1, Length)],
    [A ! {next, B} || {A, B} <- lists:zip(Actors, tl(Actors) ++ [hd(Actors)])],
    Actors.

rings(Rings, Length, Tokens, N) ->
    Hops = N div (Rings * Tokens),
    Actors = [ring(Length, Hops) || _ <- lists:seq(1, Rings)],
    Begin = now_ns(),
    [lists:nth(T * Length div Tokens + 1, Ring) ! 0
     || Ring <- Actors, T <- lists:seq(0, Tokens - 1)],
    Sum = sums(Rings * Tokens),
    Ns = now_ns() - Begin,
    All = lists:append(Actors),
    [Actor ! count || Actor <- All],
    Count = lists:sum([receive {count, C} -> C end || _ <- All]),
    answer(Ns, Count, Sum).

%% The packet carries its time and its sequence number.
clock(N, _, N) -> ok;
clock(Next, First, N) ->
    First ! {{Next, now_ns()}, self()},
    receive more -> clock(Next + 1, First, N) end.

clock_end(0, Sum, Samples, Master) -> Master ! {samples, Sum, Samples};
clock_end(Left, Sum, Samples, Master) ->
    receive
        {{Value, Sent}, From} ->
            Sample = now_ns() - Sent,
            From ! more,
            clock_end(Left - 1, Sum + Value, [Sample | Samples], Master)
    end.

latency(Size, N) ->
    Master = self(),
    End = spawn(fun() -> clock_end(N, 0, [], Master) end),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> pass(Next) end) end, End,
                        lists:seq(2, Size)),
    Begin = now_ns(),
    spawn(fun() -> clock(0, First, N) end),
    receive
        {samples, Sum, Samples} ->
            Ns = now_ns() - Begin,
            io:format("ns=~b count=~b sum=~b p50=~b~n",
                      [Ns, length(Samples), Sum, lists:nth(N div 2 + 1, lists:sort(Samples))])
    end.

payload_source(Next, N, _, _) when Next =:= N -> ok;
payload_source(Next, N, Bytes, Targets) ->
    if
        Next rem ?CREDIT =:= 0, Next >= ?CREDIT * ?CREDITS -> receive more -> ok end;
        true -> ok
    end,
    [Target ! {Bytes, Next, self()} || Target <- Targets],
    payload_source(Next + 1, N, Bytes, Targets).

payload_sink(0, Sum, _, Master) -> Master ! {done, Sum};
payload_sink(Left, Sum, Acknowledges, Master) ->
    receive
        {Bytes, Value, From} ->
            acknowledge(Acknowledges, Value, From),
            payload_sink(Left - 1, Sum + byte_size(Bytes) + binary:last(Bytes), Acknowledges, Master)
    end.

payload(Size, N) ->
    Bytes = binary:copy(<<1>>, Size),
    Master = self(),
    Sinks = [spawn(fun() -> payload_sink(N, 0, I =:= ?PAYLOAD_TARGETS, Master) end)
             || I <- lists:seq(1, ?PAYLOAD_TARGETS)],
    Begin = now_ns(),
    spawn(fun() -> payload_source(0, N, Bytes, Sinks) end),
    Sum = sums(?PAYLOAD_TARGETS),
    answer(now_ns() - Begin, N * ?PAYLOAD_TARGETS, Sum).

resident() ->
    erlang:garbage_collect(),
    {ok, File} = file:open("/proc/self/statm", [read]),
    {ok, Line} = file:read_line(File),
    file:close(File),
    [_, Pages | _] = string:tokens(Line, " "),
    list_to_integer(Pages) * 4096.

idle_actor(Next) ->
    receive
        Value ->
            Next ! Value + 1,
            idle_actor(Next)
    end.

idle(N) ->
    Before = resident(),
    Begin = now_ns(),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> idle_actor(Next) end) end, self(),
                        lists:seq(1, N)),
    Ns = now_ns() - Begin,
    After = resident(),
    First ! 0,
    Value = receive Passed -> Passed end,
    io:format("ns=~b count=~b sum=~b bytes=~f~n", [Ns, Value, Value, (After - Before) / N]).
