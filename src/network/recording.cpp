// Reads a recording, frame by frame.
// Neighbours: recorder writes it, replay runs it. Thread: one at a time.
#include "base/limits.hpp"
#include "base/text.hpp"
#include "codec/msgpack.hpp"
#include "network/record.hpp"

namespace reflow::network {
namespace {

std::uint32_t read_u32(std::string_view data) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value |= std::uint32_t{static_cast<unsigned char>(data[i])} << 8 * i;
    }
    return value;
}

Failure no_recording(std::string_view path) {
    return Failure(REFLOW_ERROR_PARSE, "this is not a recording").file(path);
}

String version_text(std::int64_t version) {
    return concat(version / 1'000'000, ".", version / 1000 % 1000, ".", version % 1000);
}

// What the header has to have, before anything is made of it.
Result<void> check_header(MessageRef header, std::string_view path) {
    MessageRef format = header.get("format");
    if (!format.is(REFLOW_KIND_INTEGER)) return no_recording(path);
    if (format.integer() != recording_format) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       concat("a recording of format ", format.integer(),
                              "; this version reads format ", recording_format))
            .file(path);
    }
    MessageRef engine = header.get("engine");
    if (!engine.is(REFLOW_KIND_INTEGER)) return no_recording(path);
    if (engine.integer() != recording_engine) {
        return Failure(REFLOW_ERROR_UNSUPPORTED,
                       concat("recorded by reflow ", version_text(engine.integer()),
                              ", and this is ", version_text(recording_engine)))
            .file(path)
            .hint("only the same version repeats a run exactly");
    }
    bool whole =
        header.get("graph").is(REFLOW_KIND_OBJECT) && header.get("seed").is(REFLOW_KIND_STRING);
    for (std::string_view key : {"batch_packets", "batch_ns", "port_capacity", "max_growth"}) {
        whole = whole && header.get(key).is(REFLOW_KIND_INTEGER) && header.get(key).integer() > 0;
    }
    if (!whole) return no_recording(path);
    return {};
}

}  // namespace

Result<Ref<Recording>> Recording::open(Store& store, std::string_view path) {
    Result<std::unique_ptr<Store::Reader>> reader = store.open_reader(path);
    if (!reader.ok()) return reader.take_error();
    auto made = make_ref<Recording>();
    made->reader_ = std::move(reader).take();
    made->path_ = path;
    Result<bool> magic = made->fill(recording_magic.size());
    if (!magic.ok()) return magic.take_error();
    if (!magic.value() || made->bytes_ != recording_magic) return no_recording(path);
    made->bytes_.clear();
    Message first;
    Result<bool> read = made->read_frame(first);
    if (!read.ok()) return read.take_error();
    if (!read.value() || first.size() != 1) return no_recording(path);
    made->header_ = first.at(0).own();
    if (Result<void> fine = check_header(made->header_, path); !fine.ok()) return fine.take_error();
    return made;
}

// So many bytes at least; false if the file ends before.
Result<bool> Recording::fill(std::size_t size) {
    while (bytes_.size() < size) {
        // In pieces: a size that is a lie must not cost its memory.
        std::size_t before = bytes_.size();
        bytes_.resize(before + std::min<std::size_t>(size - before, 64 * 1024));
        Result<std::size_t> read = reader_->read({bytes_.data() + before, bytes_.size() - before});
        if (!read.ok()) return read.take_error();
        bool waits = read.value() == Store::Reader::nothing_yet;
        bytes_.resize(before + (waits ? 0 : read.value()));
        if (!waits && read.value() == 0) return false;
    }
    return true;
}

Result<bool> Recording::read_frame(Message& to) {
    bytes_.clear();
    Result<bool> some = fill(8);
    if (!some.ok()) return some;
    if (!some.value()) {
        truncated_ = !bytes_.empty() || !complete_;
        return false;
    }
    std::uint32_t size = read_u32(bytes_);
    std::uint32_t sum = read_u32(std::string_view(bytes_).substr(4));
    bytes_.clear();
    auto broken = [&](std::string_view what) {
        return Failure(REFLOW_ERROR_PARSE, concat("broken recording: ", what))
            .file(path_)
            .at(0, 0, offset_);
    };
    if (size > limits::read_bytes) return broken("a frame is too large");
    some = fill(size);
    if (!some.ok()) return some;
    if (!some.value()) {
        truncated_ = true;
        return false;
    }
    Digest digest;
    digest.bytes(bytes_);
    if (static_cast<std::uint32_t>(digest.value()) != sum) return broken("a frame is damaged");
    Result<Message> read = codec::read_msgpack(bytes_);
    if (!read.ok() || !read.value().is(REFLOW_KIND_ARRAY)) return broken("a frame is no list");
    offset_ += 8 + size;
    to = std::move(read).take();
    return true;
}

Result<MessageRef> Recording::next() {
    while (!ended_ && at_ >= frame_.size()) {
        at_ = 0;
        frame_ = {};
        Result<bool> some = read_frame(frame_);
        if (!some.ok()) return some.take_error();
        if (!some.value()) ended_ = true;
    }
    if (ended_) return MessageRef();
    MessageRef entry = frame_.at(at_);
    bool fine = entry.is(REFLOW_KIND_ARRAY) && entry.size() >= 4 &&
                entry.at(0).is(REFLOW_KIND_INTEGER) && entry.at(1).is(REFLOW_KIND_INTEGER) &&
                entry.at(2).is(REFLOW_KIND_INTEGER);
    if (!fine) {
        return Failure(REFLOW_ERROR_PARSE, "broken recording: an entry is none").file(path_);
    }
    if (entry.at(0).integer() == static_cast<std::int64_t>(EntryKind::end)) complete_ = true;
    return entry;
}

}  // namespace reflow::network
