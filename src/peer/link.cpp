// A link: greeting, dialects, channels and their credit, heartbeats. Thread: see link.hpp.
//
// Flow of packets: a channel may have `window_packets` on their way. The receiver tells how many may
// come in all, and tells more once its actor has taken half of them, so the memory of both sides is
// bounded by the window whatever the actor does, and a slow actor holds up nobody else's channel.
#include "peer/link.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "io/secret.hpp"
#include "peer/limits.hpp"
#include "peer/source.hpp"

namespace reflow::peer {
namespace {

// Close codes beside those of WebSocket (spec 8, W12).
constexpr std::uint16_t code_auth = 4001;
constexpr std::uint16_t code_capacity = 4003;
constexpr std::uint16_t code_heartbeat = 4004;

constexpr std::string_view mismatch = "auth_token mismatch";

String now_text() {
    std::timespec now{};
    std::timespec_get(&now, TIME_UTC);
    std::tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char text[64];
    std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + size, sizeof text - size, ".%09ldZ", now.tv_nsec);
    return String(text);
}

std::string_view text_of(std::span<const std::byte> frame) noexcept {
    return {reinterpret_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace

std::string_view name_of(Stage stage) noexcept {
    switch (stage) {
        case Stage::connecting:
            return "connecting";
        case Stage::waiting:
        case Stage::greeting:
        case Stage::proving:
            return "greeting";
        case Stage::open:
            return "connected";
        case Stage::closed:
            break;
    }
    return "closed";
}

Link::Link(LinkOwner& owner, LinkOptions options, bool dials, String endpoint)
    : owner_(owner),
      options_(std::move(options)),
      dials_(dials),
      endpoint_(std::move(endpoint)),
      stage_(Stage::connecting),
      timeout_ns_(3 * options_.heartbeat_ns) {}

Link::~Link() = default;

void Link::attach(Ref<io::Wire> wire) {
    std::lock_guard lock(mutex_);
    if (!wire_) wire_ = std::move(wire);
}

Ref<io::Wire> Link::wire() const {
    std::lock_guard lock(mutex_);
    return wire_;
}

Identity Link::remote() const {
    std::lock_guard lock(mutex_);
    return other_locked();
}

bool Link::open_to(std::string_view network_id) const {
    if (stage() != Stage::open) return false;
    std::lock_guard lock(mutex_);
    return !leaving_ && !hushed_ && other_locked().network_id == network_id;
}

// ---- the greeting

void Link::opened(io::Wire& wire) {
    attach(Ref<io::Wire>::share(&wire));  // who has dialled may not have come to it yet
    was_reached_.store(true, std::memory_order_relaxed);
    wire.limit(limits::greeting_bytes);  // until it is known who speaks
    std::unique_lock lock(mutex_);
    since_ns_ = owner_.now_ns();
    heard();
    if (!dials_) {
        stage_.store(Stage::waiting, std::memory_order_release);
        return;
    }
    Result<String> nonce = make_nonce();
    if (!nonce.ok()) {
        lock.unlock();
        return end(nonce.error().status, nonce.error().message);
    }
    hello_.from = options_.self;
    hello_.nonce = std::move(nonce).take();
    hello_.heartbeat_ms = options_.heartbeat_ns / 1'000'000;
    hello_.capabilities = {String(capability_messages), String(capability_batches),
                           String(capability_confirms), String(capability_cancels)};
    if (options_.packer) hello_.capabilities.emplace_back(capability_zstd);
    if (options_.scheduler != nullptr) hello_.capabilities.emplace_back(capability_streams);
    hello_.window = options_.window;
    if (options_.legacy_auth) hello_.token = options_.token;
    stage_.store(Stage::greeting, std::memory_order_release);
    write(write_hello(hello_), true);
}

void Link::received(io::Wire& wire, std::span<const std::byte> frame, bool text) {
    // What was sent behind a proof or a frame that was wrong gets no second chance.
    if (refused_.load(std::memory_order_relaxed)) return;
    heard();
    bytes_heard_ = wire.bytes_in();
    frames_in_.fetch_add(1, std::memory_order_relaxed);
    std::string_view all = text_of(frame);
    switch (stage()) {
        case Stage::open:
            if (leaving()) return !old() && !text ? hear_last(all) : void();
            if (old()) return text ? hear_old(all) : void();  // others say nothing in binary
            if (!text && !all.empty() && all.front() == packed_mark) return hear_packed(all, false);
            if (!text) return hear_batch(all);
            return;
        case Stage::connecting:
        case Stage::closed:
            return;
        default:
            if (!text) return refuse(REFLOW_ERROR_PROTOCOL, "the greeting is not a text",
                                     io::WIRE_PROTOCOL);
            if (all.size() > limits::greeting_bytes) {
                return refuse(REFLOW_ERROR_LIMIT,
                              concat("the greeting has more than ", limits::greeting_bytes,
                                     " bytes"),
                              io::WIRE_TOO_LARGE);
            }
            greet(all);
    }
}

void Link::greet(std::string_view text) {
    if (ignores_) return;
    if (stage() == Stage::waiting) return hear_hello(text);
    if (stage() == Stage::greeting) return hear_welcome(text);
    return dials_ ? hear_verdict(text) : hear_proof(text);
}

// The acceptor's part. With a token, a peer of ours proves that it knows it and an old one has said it.
void Link::hear_hello(std::string_view text) {
    Result<Hello> read = read_hello(text);
    if (!read.ok()) {
        return refuse(REFLOW_ERROR_PROTOCOL, read.error().message, io::WIRE_PROTOCOL);
    }
    Result<String> nonce = make_nonce();
    if (!nonce.ok()) return end(nonce.error().status, nonce.error().message);
    std::unique_lock lock(mutex_);
    hello_ = std::move(read).take();
    welcome_.from = options_.self;
    const bool is_old = hello_.nonce.empty();
    old_.store(is_old || !hello_.can(capability_batches), std::memory_order_relaxed);
    if (!is_old) {
        welcome_.nonce = std::move(nonce).take();
        welcome_.capabilities = {String(capability_messages), String(capability_batches),
                                 String(capability_confirms), String(capability_cancels)};
        if (options_.packer) welcome_.capabilities.emplace_back(capability_zstd);
        if (options_.scheduler != nullptr) welcome_.capabilities.emplace_back(capability_streams);
        welcome_.heartbeat_ms = options_.heartbeat_ns / 1'000'000;
        welcome_.window = options_.window;
    }
    if (hello_.version != protocol_version) {
        lock.unlock();
        return answer(concat("protocol_version ", hello_.version, " is not ", protocol_version));
    }
    // Before anything is proved: to whom says that it is us, our own proof would be an answer to us.
    if (hello_.from == options_.self) {
        lock.unlock();
        return answer(concat("it calls itself ", options_.self.network_id, " ",
                             options_.self.instance_id, ", as this peer does"));
    }
    if (options_.token && is_old) {
        bool same = hello_.token && io::same_secret(*hello_.token, *options_.token);
        lock.unlock();
        if (!same) return answer(String(mismatch));
        owner_.log(REFLOW_LOG_WARN, concat("peer ", hello_.from.network_id,
                                           " has sent the token in clear: it is an old one"));
        return admit();
    }
    if (options_.token) {
        welcome_.success = welcome_.wants_proof = true;
        Result<String> proof = proof_of(Role::acceptor);
        if (!proof.ok()) {
            lock.unlock();
            return end(proof.error().status, proof.error().message);
        }
        welcome_.proof = std::move(proof).take();
        stage_.store(Stage::proving, std::memory_order_release);
        return write(write_welcome(welcome_), true);
    }
    lock.unlock();
    admit();
}

Result<String> Link::proof_of(Role role) const {
    return make_proof(*options_.token, role, hello_, welcome_);
}

// Nobody proves anything without a token, or where the proof cannot be computed.
bool Link::proves(Role role, std::string_view said) const {
    if (!options_.token) return false;
    Result<String> expected = proof_of(role);
    return expected.ok() && !said.empty() && io::same_secret(said, expected.value());
}

void Link::hear_proof(std::string_view text) {
    Result<String> proof = read_proof(text);
    if (!proof.ok()) {
        return refuse(REFLOW_ERROR_PROTOCOL, proof.error().message, io::WIRE_PROTOCOL);
    }
    if (!proves(Role::dialler, proof.value())) return answer(String(mismatch));
    admit();
}

// The other side has shown what it had to.
void Link::admit() {
    Result<void> may = owner_.admit(*this, hello_);
    if (!may.ok()) return answer(may.error().message, may.error().status);
    answer({});
    become_open();
}

// The acceptor tells how it has decided: in the welcome, or behind a proof.
void Link::answer(const std::optional<String>& refusal, reflow_status status) {
    if (refusal && *refusal == mismatch && !owner_.answers(*this)) {
        ignores_ = true;  // until its time for the greeting is over, or another one comes
        return;
    }
    {
        std::lock_guard lock(mutex_);
        if (welcome_.wants_proof) {
            write(write_verdict(refusal ? std::optional<std::string_view>(*refusal)
                                        : std::nullopt),
                  true);
        } else {
            welcome_.success = !refusal;
            welcome_.error = refusal;
            write(write_welcome(welcome_), true);
        }
    }
    if (!refusal) return;
    bool of_token = *refusal == mismatch;
    refuse(of_token ? REFLOW_ERROR_AUTH : status, *refusal,
           of_token ? code_auth : code_capacity);
}

// The dialler's part.
void Link::hear_welcome(std::string_view text) {
    Result<Welcome> read = read_welcome(text);
    if (!read.ok()) {
        return refuse(REFLOW_ERROR_PROTOCOL,
                      concat("malformed handshake response: ", read.error().message),
                      io::WIRE_PROTOCOL);
    }
    std::unique_lock lock(mutex_);
    welcome_ = std::move(read).take();
    if (!welcome_.success) {
        String reason = concat("handshake refused: ", welcome_.error.value_or("(no reason)"));
        bool of_token = welcome_.error.value_or("").find("auth") != String::npos;
        lock.unlock();
        return end(of_token ? REFLOW_ERROR_AUTH : REFLOW_ERROR_REFUSED, reason);
    }
    if (welcome_.from == options_.self) {
        lock.unlock();
        return refuse(REFLOW_ERROR_REFUSED,
                      concat(endpoint_, " calls itself ", options_.self.network_id, " ",
                             options_.self.instance_id, ", as this peer does"),
                      code_capacity);
    }
    old_.store(welcome_.nonce.empty() || !welcome_.can(capability_batches),
               std::memory_order_relaxed);
    const bool is_old = welcome_.nonce.empty();
    if (options_.token ? is_old && options_.legacy_auth : !welcome_.wants_proof) {
        lock.unlock();
        return become_open();
    }
    // With a token both sides prove that they know it.
    if (is_old || !proves(Role::acceptor, welcome_.proof)) {
        lock.unlock();
        String why = concat("handshake refused: ", mismatch);
        if (is_old) append(why, " (an old peer, which proves nothing; see legacy_auth)");
        return refuse(REFLOW_ERROR_AUTH, why, code_auth);
    }
    Result<String> proof = proof_of(Role::dialler);
    if (!proof.ok()) {
        lock.unlock();
        return end(proof.error().status, proof.error().message);
    }
    stage_.store(Stage::proving, std::memory_order_release);
    write(write_proof(proof.value()), true);
}

void Link::hear_verdict(std::string_view text) {
    Result<std::optional<String>> verdict = read_verdict(text);
    if (!verdict.ok()) {
        return refuse(REFLOW_ERROR_PROTOCOL, verdict.error().message, io::WIRE_PROTOCOL);
    }
    if (verdict.value()) {
        bool of_token = verdict.value()->find("auth") != String::npos;
        return end(of_token ? REFLOW_ERROR_AUTH : REFLOW_ERROR_REFUSED,
                   concat("handshake refused: ", *verdict.value()));
    }
    become_open();
}

void Link::become_open() {
    {
        std::lock_guard lock(mutex_);
        std::uint64_t theirs = (dials_ ? welcome_.heartbeat_ms : hello_.heartbeat_ms) * 1'000'000;
        timeout_ns_ = 3 * std::max(options_.heartbeat_ns, theirs);
        packs_ = options_.packer && !old() &&
                 (dials_ ? welcome_.can(capability_zstd) : hello_.can(capability_zstd));
        streams_ = options_.scheduler != nullptr && !old() &&
                   (dials_ ? welcome_.can(capability_streams) : hello_.can(capability_streams));
        pinged_ns_ = 0;
        opened_ns_ = owner_.now_ns();
        was_open_.store(true, std::memory_order_relaxed);
        stage_.store(Stage::open, std::memory_order_release);
        wire_->limit(SIZE_MAX);
    }
    owner_.linked(*this);
}

void Link::heard() noexcept { heard_ns_.store(owner_.now_ns(), std::memory_order_relaxed); }

// ---- the end

void Link::refuse(reflow_status status, std::string_view reason, std::uint16_t code) {
    {
        std::lock_guard lock(mutex_);
        if (ends_because_.empty()) {
            ends_with_ = status;
            ends_because_ = reason;
        }
        refused_.store(true, std::memory_order_relaxed);
    }
    if (Ref<io::Wire> on = wire()) on->close(code, reason);
}

void Link::end(reflow_status status, std::string_view reason) {
    refuse(status, reason, io::WIRE_NORMAL);
}

void Link::cut() noexcept {
    if (Ref<io::Wire> on = wire()) on->cut();
}

void Link::closed(io::Wire&, std::uint16_t code, reflow_status status, std::string_view reason) {
    String because;
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(ended_, true)) return;
        bool greeted = stage_.load(std::memory_order_relaxed) == Stage::open;
        stage_.store(Stage::closed, std::memory_order_release);
        // Who has broken the rules takes too long as well; which of the two is seen first is chance.
        const bool broke = !greeted && ends_with_ == REFLOW_ERROR_TIMEOUT &&
                           (status == REFLOW_ERROR_PROTOCOL || status == REFLOW_ERROR_LIMIT);
        if (broke) {
            because = reason;
        } else if (!ends_because_.empty()) {
            status = ends_with_;
            because = ends_because_;
        } else {
            because = reason;
            if (!greeted && dials_ && status == REFLOW_OK) {
                status = code == code_auth ? REFLOW_ERROR_AUTH : REFLOW_ERROR_PROTOCOL;
                because = concat("no handshake response from ", endpoint_, ": ",
                                 reason.empty() ? "closed" : reason);
            }
        }
    }
    end_streams(because.empty() ? std::string_view("it was closed") : std::string_view(because));
    owner_.unlinked(*this, status, because);
}

// A heartbeat and a half: both sides send one each, and look for it four times in that time. Only
// time in which this side has looked counts.
bool Link::seems_dead(std::uint64_t now_ns) const {
    std::lock_guard lock(mutex_);
    std::uint64_t since = std::max(heard_ns_.load(std::memory_order_relaxed), watched_ns_);
    return stage_.load(std::memory_order_relaxed) == Stage::open &&
           now_ns - std::min(now_ns, since) > timeout_ns_ / 2 &&
           now_ns - std::min(now_ns, ticked_ns_) <= options_.heartbeat_ns;
}

void Link::tick(std::uint64_t now_ns) {
    hear_bytes();
    if (old()) look_after_parked(now_ns);
    std::uint64_t silent = now_ns - std::min(now_ns, heard_ns_.load(std::memory_order_relaxed));
    std::unique_lock lock(mutex_);
    Stage now = stage_.load(std::memory_order_relaxed);
    if (now == Stage::closed || now == Stage::connecting) return;
    if (now != Stage::open) {
        if (now_ns - std::min(now_ns, since_ns_) < options_.handshake_ns) return;
        lock.unlock();
        return refuse(REFLOW_ERROR_TIMEOUT, "the handshake takes too long", code_heartbeat);
    }
    const bool late = now_ns - std::min(now_ns, std::exchange(ticked_ns_, now_ns)) >
                      options_.heartbeat_ns;
    if (late) watched_ns_ = now_ns;
    if (silent > timeout_ns_ && !late) {
        lock.unlock();
        refuse(REFLOW_ERROR_TIMEOUT,
               concat("nothing heard for ", silent / 1'000'000, " ms, three heartbeats"),
               code_heartbeat);
        return cut();
    }
    if (pinged_ns_ != 0 && now_ns - pinged_ns_ < options_.heartbeat_ns) return;
    pinged_ns_ = std::max<std::uint64_t>(now_ns, 1);
    if (old()) {
        Result<String> text = write_old(Heartbeat{options_.self.network_id, now_text()});
        if (text.ok()) write(std::move(text).take(), true);
        return;
    }
    ask_how_far_locked();
    batch_.ping(next_ping_locked(now_ns));
    flush_locked(lock);
}

// ---- sending

Result<std::uint64_t> Link::open_channel(std::string_view source_actor, std::string_view actor,
                                         std::string_view port) {
    std::lock_guard lock(mutex_);
    if (!sends_locked()) return Failure(REFLOW_ERROR_CLOSED, "the link is not open");
    String key = concat(source_actor, '\0', actor, '\0', port);
    if (auto found = numbers_.find(key); found != numbers_.end()) return found->second;
    if (outgoing_.size() >= options_.channels_count) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("a link has at most ", options_.channels_count, " channels"));
    }
    std::uint64_t number = outgoing_.size();
    Outgoing made{String(source_actor), String(actor), String(port)};
    made.allowed = dials_ ? welcome_.window : hello_.window;
    if (old()) made.allowed = {UINT64_MAX, UINT64_MAX};
    outgoing_.push_back(std::move(made));
    numbers_.emplace(std::move(key), number);
    if (!old()) batch_.open(number, source_actor, actor, port);
    return number;
}

// The nonce of the sender is new with each link.
String Link::message_id(std::uint64_t channel, std::uint64_t number) const {
    constexpr std::size_t digits = 16;
    std::lock_guard lock(mutex_);
    const String& nonce = dials_ ? welcome_.nonce : hello_.nonce;
    return concat(std::string_view(nonce).substr(0, digits), '-', channel, '-', number);
}

Result<std::size_t> Link::send(std::uint64_t channel, std::span<const MessageRef> packets,
                               Sending& sending) {
    StreamsBegun begun;  // begins to send without the lock
    std::unique_lock lock(mutex_);
    if (!sends_locked()) return Failure(REFLOW_ERROR_CLOSED, "the link is not open");
    if (channel >= outgoing_.size()) {
        return Failure(REFLOW_ERROR_INVALID_ARGUMENT, "the link has no such channel");
    }
    Outgoing& to = outgoing_[channel];
    if (sending.only_idle && busy_) {
        draining_.push_back(channel);
        return std::size_t{0};
    }
    if (old()) return send_old(to, packets);
    std::size_t sent = 0;
    sending.first = to.sent;
    mark_outbox(channel, to, sending);
    if (std::exchange(to.index, sending.index) != sending.index)
        batch_.element(channel, to.sent, sending.index);
    for (MessageRef packet : packets) {
        if (!to.open() || crowded()) {
            to.full = true;
            held_ = held_ || to.open();
            break;
        }
        if (sending.only_idle && busy_) {
            draining_.push_back(channel);
            break;
        }
        if (batch_.empty()) batch_.use(wire_->spare());
        Result<std::size_t> bytes = data_locked(channel, to, packet, begun);
        if (!bytes.ok()) {
            if (sent != 0) break;  // those before it have gone; it comes again as the first
            return bytes.take_error();
        }
        to.sent_bytes += bytes.value();
        ++to.sent;
        ++sent;
        if (batch_.bytes() >= options_.batch_bytes) flush_locked(lock);
    }
    packets_out_.fetch_add(sent, std::memory_order_relaxed);
    if (sending.confirm && sent != 0) {
        batch_.confirm(channel, to.sent - 1);
        to.asked = to.sent;
    }
    bool waits = false;
    if (to.full || (sending.flush && options_.linger_ns == 0)) {
        flush_locked(lock);
    } else {
        waits = sending.flush && lingers();
    }
    lock.unlock();
    if (waits) owner_.flush_later(*this, options_.linger_ns);
    return sent;
}

// Under mutex_. The first that waits asks for the end of the wait.
bool Link::lingers() noexcept { return !batch_.empty() && !std::exchange(lingers_, true); }

// Numbers of the outbox follow those of the channel, so that one record tells them for all that come.
void Link::mark_outbox(std::uint64_t channel, Outgoing& to, const Sending& sending) {
    const std::uint64_t ahead = sending.outbox.empty() ? 0 : sending.number - to.sent;
    if (to.outbox == sending.outbox && to.ahead == ahead) return;
    batch_.mark(channel, to.sent, sending.outbox, sending.number);
    to.kept_from = std::min(to.kept_from, to.sent);
    to.outbox = sending.outbox;
    to.ahead = ahead;
}

Result<std::size_t> Link::send_old(Outgoing& to, std::span<const MessageRef> packets) {
    std::size_t sent = 0;
    for (MessageRef packet : packets) {
        if (payload_of(packet).holds_stream()) {
            if (sent != 0) break;
            return Failure(REFLOW_ERROR_UNSUPPORTED, "a peer of the original takes no streams");
        }
        RemoteMessage message;
        Result<String> id = make_uuid();
        if (!id.ok()) return id.take_error();
        message.message_id = std::move(id).take();
        message.source_network = options_.self.network_id;
        message.source_actor = to.source_actor.empty() ? String("unknown") : to.source_actor;
        message.target_network = other_locked().network_id;
        message.target_actor = to.actor;
        message.target_port = to.port;
        message.payload = payload_of(packet).own();
        message.trace = trace_of_envelope(envelope_of(packet));
        message.timestamp = now_text();
        Result<String> text = write_old(std::move(message));
        if (!text.ok()) {
            if (sent != 0) break;
            return text.take_error();
        }
        if (text.value().size() > limits::peer_frame_bytes) {
            if (sent != 0) break;
            return Failure(REFLOW_ERROR_LIMIT,
                           concat("the message has ", text.value().size(), " bytes as JSON; a peer of the original "
                                  "takes ", limits::peer_frame_bytes));
        }
        reflow_status status = wire_->send(std::move(text).take(), true);
        if (status == REFLOW_ERROR_WOULD_BLOCK) {
            to.full = held_ = true;
            busy_ = true;
            break;
        }
        if (status != REFLOW_OK) return Failure(status, "the link is not open");
        busy_ = true;
        frames_out_.fetch_add(1, std::memory_order_relaxed);
        ++to.sent;
        ++sent;
    }
    packets_out_.fetch_add(sent, std::memory_order_relaxed);
    return sent;
}

Result<void> Link::ask_actors(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    if (!sends_locked()) return Failure(REFLOW_ERROR_CLOSED, "the link is not open");
    if (old()) {
        Result<String> text =
            write_old(ActorsAsked{concat(number), options_.self.network_id});
        if (!text.ok()) return text.take_error();
        write(std::move(text).take(), true);
        return {};
    }
    batch_.ask(number);
    flush_locked(lock);
    return {};
}

}  // namespace reflow::peer
