// Messages to YAML, through libyaml's emitter: block style, numbers of an array on one line.
// Neighbours: plain.hpp walks through the message, yaml_scalar.hpp says what needs quotes.
// Thread: any.
#include <yaml.h>

#include <climits>
#include <cmath>
#include <cstring>

#include "base/text.hpp"
#include "codec/plain.hpp"
#include "codec/yaml.hpp"
#include "codec/yaml_scalar.hpp"

namespace reflow::codec {
namespace {

class YamlOut {
public:
    explicit YamlOut(String& to) : to_(to) {
        std::memset(&emitter_, 0, sizeof emitter_);
        ok_ = yaml_emitter_initialize(&emitter_) != 0;
        if (!ok_) return;
        yaml_emitter_set_output(&emitter_, append_text, this);
        yaml_emitter_set_unicode(&emitter_, 1);
        yaml_emitter_set_width(&emitter_, -1);  // never folded
    }
    ~YamlOut() { yaml_emitter_delete(&emitter_); }
    YamlOut(const YamlOut&) = delete;
    YamlOut& operator=(const YamlOut&) = delete;

    void begin_document() {
        yaml_event_t event;
        emit(event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
        emit(event, yaml_document_start_event_initialize(&event, nullptr, nullptr, nullptr, 1));
    }
    void end_document() {
        yaml_event_t event;
        emit(event, yaml_document_end_event_initialize(&event, 1));
        emit(event, yaml_stream_end_event_initialize(&event));
    }

    void null() { word("null"); }
    void boolean(bool value) { word(value ? "true" : "false"); }
    void integer(std::int64_t value) { word(concat(value)); }
    void unsigned_integer(std::uint64_t value) { word(concat(value)); }
    void real(double value);
    void string(std::string_view text);
    void key(std::string_view name) { string(name); }
    void begin_array() { open(Opened::array); }
    void begin_object() { open(Opened::object); }
    void begin_numbers() {
        open(Opened::numbers);
        start(YAML_FLOW_SEQUENCE_STYLE, YAML_FLOW_MAPPING_STYLE);
    }
    void end_array();
    void end_object();

    [[nodiscard]] Result<void> result() const;

private:
    enum class Opened : std::uint8_t { nothing, array, numbers, object };

    static int append_text(void* self, unsigned char* text, std::size_t size);

    // The style of a container is known when it is known whether anything is in it.
    void open(Opened opened) {
        start(YAML_BLOCK_SEQUENCE_STYLE, YAML_BLOCK_MAPPING_STYLE);
        opened_ = opened;
    }
    void start(yaml_sequence_style_t sequence, yaml_mapping_style_t mapping);
    void word(std::string_view text) { scalar(text, YAML_PLAIN_SCALAR_STYLE); }
    void scalar(std::string_view text, yaml_scalar_style_t style);
    // Gives an event to the emitter, which owns it from then on.
    void emit(yaml_event_t& event, int made) {
        if (!ok_) {
            if (made != 0) yaml_event_delete(&event);
            return;
        }
        ok_ = made != 0 && yaml_emitter_emit(&emitter_, &event) != 0;
    }

    String& to_;
    yaml_emitter_t emitter_;
    Opened opened_ = Opened::nothing;
    bool ok_ = true;
    bool out_of_memory_ = false;
    bool too_long_ = false;
};

// libyaml is C and must not see an exception.
int YamlOut::append_text(void* self, unsigned char* text, std::size_t size) {
    auto* out = static_cast<YamlOut*>(self);
    try {
        out->to_.append(reinterpret_cast<const char*>(text), size);
        return 1;
    } catch (const std::bad_alloc&) {
        out->out_of_memory_ = true;
        return 0;
    }
}

void YamlOut::start(yaml_sequence_style_t sequence, yaml_mapping_style_t mapping) {
    Opened opened = std::exchange(opened_, Opened::nothing);
    if (opened == Opened::nothing) return;
    yaml_event_t event;
    if (opened == Opened::object) {
        emit(event, yaml_mapping_start_event_initialize(&event, nullptr, nullptr, 1, mapping));
    } else {
        emit(event, yaml_sequence_start_event_initialize(&event, nullptr, nullptr, 1, sequence));
    }
}

void YamlOut::end_array() {
    start(YAML_FLOW_SEQUENCE_STYLE, YAML_FLOW_MAPPING_STYLE);
    yaml_event_t event;
    emit(event, yaml_sequence_end_event_initialize(&event));
}

void YamlOut::end_object() {
    start(YAML_FLOW_SEQUENCE_STYLE, YAML_FLOW_MAPPING_STYLE);
    yaml_event_t event;
    emit(event, yaml_mapping_end_event_initialize(&event));
}

void YamlOut::real(double value) {
    if (std::isnan(value)) return word(".nan");
    if (std::isinf(value)) return word(value < 0 ? "-.inf" : ".inf");
    String text = concat(value);
    // Readers of YAML 1.1 take 1e+23 for a string.
    std::size_t exponent = text.find('e');
    if (exponent != text.npos && text.find('.') == text.npos) text.insert(exponent, ".0");
    word(text);
}

void YamlOut::string(std::string_view text) {
    // Lines stay lines where the literal style cannot be misunderstood; the emitter itself falls
    // back to double quotes where it has to.
    bool literal = text.find('\n') != text.npos && text.find('\r') == text.npos &&
                   std::string_view(" \t\n").find(text.front()) == text.npos &&
                   !text.ends_with("\n\n");
    if (literal) return scalar(text, YAML_LITERAL_SCALAR_STYLE);
    scalar(text, surely_string(text) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

void YamlOut::scalar(std::string_view text, yaml_scalar_style_t style) {
    start(YAML_BLOCK_SEQUENCE_STYLE, YAML_BLOCK_MAPPING_STYLE);
    if (text.size() > INT_MAX) {
        too_long_ = true;
        ok_ = false;
        return;
    }
    yaml_event_t event;
    const char* data = text.empty() ? "" : text.data();
    emit(event, yaml_scalar_event_initialize(&event, nullptr, nullptr,
                                             reinterpret_cast<const yaml_char_t*>(data),
                                             static_cast<int>(text.size()), 1, 1, style));
}

Result<void> YamlOut::result() const {
    if (ok_) return {};
    if (too_long_) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("text longer than ", INT_MAX, " bytes cannot be written as YAML"));
    }
    if (out_of_memory_ || emitter_.error == YAML_MEMORY_ERROR || emitter_.error == YAML_NO_ERROR) {
        return Failure(REFLOW_ERROR_OUT_OF_MEMORY, "no memory to write YAML");
    }
    return Failure(REFLOW_ERROR_INTERNAL,
                   concat("the YAML emitter failed: ",
                          emitter_.problem == nullptr ? "no reason given" : emitter_.problem));
}

}  // namespace

Result<void> print_yaml(String& to, MessageRef message) {
    std::size_t before = to.size();
    Result<void> written;
    {
        YamlOut out(to);
        out.begin_document();
        written = PlainWalk<YamlOut>(out).walk(message);
        if (written.ok()) {
            out.end_document();
            written = out.result();
        }
    }
    if (!written.ok()) to.resize(before);
    return written;
}

}  // namespace reflow::codec
