// The bare engine. See engine.hpp; used by main.cpp, which has the callbacks.
#include "engine.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace bare {
namespace {

void refuse(const char* what) {
    std::fprintf(stderr, "bare engine: %s\n", what);
    std::abort();
}

}  // namespace

class Context {
public:
    Callback callback = nullptr;
    void* state = nullptr;
    Engine* engine = nullptr;
    Context* next_ready = nullptr;
    bool queued = false;
    bool again = false;
    std::size_t head = 0, tail = 0;
    std::vector<Message> ring;
    std::vector<Context*> targets;
};

class Engine {
public:
    Engine(bool batches, std::size_t ring) : batches_(batches), ring_(ring) {}

    std::uint32_t add(Callback callback, void* state) {
        Context& actor = *actors_.emplace_back(std::make_unique<Context>());
        actor.callback = callback;
        actor.state = state;
        actor.engine = this;
        actor.ring.resize(ring_);
        return static_cast<std::uint32_t>(actors_.size() - 1);
    }
    Context& at(std::uint32_t index) { return *actors_[index]; }

    void ready(Context& actor) {
        if (actor.queued) return;
        actor.queued = true;
        actor.next_ready = nullptr;
        if (last_ != nullptr) {
            last_->next_ready = &actor;
        } else {
            first_ = &actor;
        }
        last_ = &actor;
    }

    void push(Context& target, Message message) {
        if (room(target) == 0) refuse("a ring is full");
        target.ring[target.tail++ & (ring_ - 1)] = message;
    }
    std::size_t room(const Context& target) const { return ring_ - (target.tail - target.head); }

    void run() {
        while (first_ != nullptr) {
            Context& actor = *first_;
            first_ = actor.next_ready;
            if (first_ == nullptr) last_ = nullptr;
            actor.queued = false;
            turn(actor);
        }
    }

private:
    void turn(Context& actor) {
        if (actor.again) {
            actor.again = false;
            actor.callback(actor, actor.state, nullptr, 0);
            if (actor.again) ready(actor);
            return;
        }
        std::size_t count = actor.tail - actor.head;
        if (count > BATCH) count = BATCH;
        if (batches_) {
            Message messages[BATCH];
            for (std::size_t i = 0; i < count; ++i) {
                messages[i] = actor.ring[(actor.head + i) & (ring_ - 1)];
            }
            actor.head += count;
            actor.callback(actor, actor.state, messages, count);
        } else {
            for (std::size_t i = 0; i < count; ++i) {
                Message message = actor.ring[actor.head++ & (ring_ - 1)];
                actor.callback(actor, actor.state, &message, 1);
            }
        }
        if (actor.tail != actor.head) ready(actor);
    }

    const bool batches_;
    const std::size_t ring_;
    std::vector<std::unique_ptr<Context>> actors_;
    Context* first_ = nullptr;
    Context* last_ = nullptr;
};

Engine* create(bool batches, std::size_t ring) { return new Engine(batches, ring); }
void destroy(Engine* engine) { delete engine; }

std::uint32_t add(Engine* engine, Callback callback, void* state) {
    return engine->add(callback, state);
}

void connect(Engine* engine, std::uint32_t from, std::uint32_t to) {
    engine->at(from).targets.push_back(&engine->at(to));
}

void send(Engine* engine, std::uint32_t to, Message message) {
    Context& actor = engine->at(to);
    if (message.tag == 0) {
        actor.again = true;
    } else {
        engine->push(actor, message);
    }
    engine->ready(actor);
}

void run(Engine* engine) { engine->run(); }

Context& context(Engine* engine, std::uint32_t actor) { return engine->at(actor); }

void emit(Context& context, Message message) { emit_many(context, &message, 1); }

void emit_many(Context& context, const Message* messages, std::size_t count) {
    std::size_t targets = context.targets.size();
    if (messages[0].tag == TAG_COUNTED && targets > 1) {
        for (std::size_t i = 0; i < count; ++i) {
            auto* payload = reinterpret_cast<Payload*>(messages[i].payload);
            __atomic_fetch_add(&payload->references, targets - 1, __ATOMIC_RELAXED);
        }
    }
    for (Context* target : context.targets) {
        for (std::size_t i = 0; i < count; ++i) context.engine->push(*target, messages[i]);
        context.engine->ready(*target);
    }
}

std::size_t room(Context& context) {
    std::size_t least = RING;
    for (Context* target : context.targets) {
        std::size_t room = context.engine->room(*target);
        if (room < least) least = room;
    }
    return least;
}

void forward(Context& context, Message message) {
    Context& target = *context.targets[0];
    target.callback(target, target.state, &message, 1);
}

void again(Context& context) { context.again = true; }

void release(Message message) {
    if (message.tag != TAG_COUNTED) return;
    auto* payload = reinterpret_cast<Payload*>(message.payload);
    if (__atomic_sub_fetch(&payload->references, 1, __ATOMIC_ACQ_REL) == 0) {
        refuse("a payload was released too often");
    }
}

}  // namespace bare
