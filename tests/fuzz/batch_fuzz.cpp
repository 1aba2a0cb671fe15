// Batches of records, as peers of ours send them: what is read is written again and reads the same; nothing
// that is wrong is taken, and nothing breaks. Thread: one.
#include <cstdint>
#include <string>

#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "codec_fuzz.hpp"
#include "peer/frame.hpp"

namespace {

using namespace reflow;
using fuzz::require;
using Done = Result<void>;

// Notes down what a frame says, and says it again.
class Copy final : public peer::FrameVisitor {
public:
    Done open(std::uint64_t channel, std::string_view source, std::string_view actor,
              std::string_view port) override {
        again.open(channel, source, actor, port);
        return note("open", channel, source, actor, port);
    }
    Done data(std::uint64_t channel, std::uint64_t first, MessageRef payloads,
              std::uint64_t bytes) override {
        require(bytes <= size, "counts more bytes than there are");
        for (std::size_t i = 0; i < payloads.size(); ++i) {
            Result<std::size_t> put = again.data(channel, first + i, payloads.at(i));
            require(put.ok() && put.value() != 0, "a payload cannot be written again");
            (void)note("data", channel, first + i);
            require(codec::write_msgpack(said, payloads.at(i)).ok(), "a payload cannot be written");
        }
        return {};
    }
    Done credit(std::uint64_t channel, std::uint64_t packets, std::uint64_t bytes) override {
        again.credit(channel, packets, bytes);
        return note("credit", channel, packets, bytes);
    }
    Done report(std::uint64_t channel, std::uint64_t number, reflow_status status,
                std::string_view text) override {
        again.report(channel, number, status, text);
        return note("report", channel, number, status, text);
    }
    Done ping(std::uint64_t number) override {
        again.ping(number);
        return note("ping", number);
    }
    Done pong(std::uint64_t number) override {
        again.pong(number);
        return note("pong", number);
    }
    Done follow(std::uint64_t number, std::string_view actor, std::string_view port,
                std::string_view replies_to) override {
        again.follow(number, actor, port, replies_to);
        return note("follow", number, actor, port, replies_to);
    }
    Done unfollow(std::uint64_t number) override {
        again.unfollow(number);
        return note("unfollow", number);
    }
    Done followed(std::uint64_t number, std::optional<std::uint64_t> channel,
                  std::string_view text) override {
        again.followed(number, channel, text);
        return note("followed", number, channel ? concat(*channel) : String("none"), text);
    }
    Done ask(std::uint64_t number) override {
        again.ask(number);
        return note("ask", number);
    }
    Done told(std::uint64_t number, MessageRef actors) override {
        require(again.told(number, actors).ok(), "actors cannot be told again");
        (void)note("told", number);
        require(codec::write_msgpack(said, actors).ok(), "actors cannot be written");
        return {};
    }
    // Written with the packet that it belongs to, which may not be there.
    Done note(std::uint64_t, std::uint64_t, Message envelope) override {
        require(envelope.is(REFLOW_KIND_BYTES), "an envelope of another kind");
        return {};
    }
    Done confirm(std::uint64_t channel, std::uint64_t number) override {
        again.confirm(channel, number);
        return note("confirm", channel, number);
    }
    Done confirmed(std::uint64_t channel, std::uint64_t packets) override {
        again.confirmed(channel, packets);
        return note("confirmed", channel, packets);
    }
    Done mark(std::uint64_t channel, std::uint64_t number, std::string_view outbox,
              std::uint64_t message) override {
        again.mark(channel, number, outbox, message);
        return note("mark", channel, number, outbox, message);
    }
    Done element(std::uint64_t channel, std::uint64_t number, std::uint32_t index) override {
        again.element(channel, number, index);
        return note("element", channel, number, index);
    }
    Done stream(const peer::StreamRecord& one) override {
        require(again.stream(one).ok() || size > 60'000, "a stream cannot be told again");
        return note("stream", one.channel, one.packet, one.number, one.fields.stream_id,
                    one.fields.origin_actor, one.fields.origin_port, one.fields.content_type,
                    one.fields.has_size_hint ? one.fields.size_hint : 0);
    }
    Done stream_data(std::uint64_t number, MessageRef data) override {
        again.stream_data(number, data);
        return note("stream_data", number, data.bytes());
    }
    Done stream_end(std::uint64_t number, bool failed, std::string_view text) override {
        again.stream_end(number, failed, text);
        return note("stream_end", number, failed ? 1 : 0, text);
    }
    Done stream_credit(std::uint64_t number, std::uint64_t frames, std::uint64_t bytes) override {
        again.stream_credit(number, frames, bytes);
        return note("stream_credit", number, frames, bytes);
    }
    Done stream_cancel(std::uint64_t number, std::string_view text) override {
        again.stream_cancel(number, text);
        return note("stream_cancel", number, text);
    }

    std::size_t size = 0;  // of the frame
    String said;
    peer::Batch again;

private:
    template <typename... Fields>
    Done note(std::string_view kind, const Fields&... fields) {
        append(said, kind);
        (append(said, concat('\x1f', fields)), ...);
        said.push_back('\n');
        return {};
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::count_memory();
    std::string_view frame(reinterpret_cast<const char*>(data), size);
    Copy first;
    first.size = size;
    Result<void> read = peer::read_frame(frame, first);
    if (!read.ok()) {
        const reflow_status status = read.error().status;
        require(status == REFLOW_ERROR_PROTOCOL || status == REFLOW_ERROR_PARSE ||
                    status == REFLOW_ERROR_LIMIT || status == REFLOW_ERROR_INVALID_UTF8,
                "another status");
        require(!read.error().message.empty(), "no reason");
    }
    // What it said until then is right in any case.
    String written = first.again.take();
    Copy second;
    second.size = written.size();
    require(peer::read_frame(written, second).ok(), "what was written cannot be read");
    require(first.said == second.said, "it reads back differently");
    return 0;
}
