// Whether this build reads and writes YAML (REFLOW_WITH_YAML). The linker drops the reader, the
// writer and libyaml where nothing is named here. Thread: any.
#include "codec/yaml.hpp"

namespace reflow::codec {

#if REFLOW_WITH_YAML

bool has_yaml() noexcept { return true; }

Result<Message> read_yaml(std::string_view text, const ReadLimits& limits, Places* places) {
    return parse_yaml(text, limits, places);
}

Result<void> write_yaml(String& to, MessageRef message) { return print_yaml(to, message); }

#else

namespace {

Failure left_out() {
    return Failure(REFLOW_ERROR_UNSUPPORTED, "this build of the library has no part 'yaml'");
}

}  // namespace

bool has_yaml() noexcept { return false; }

Result<Message> read_yaml(std::string_view, const ReadLimits&, Places*) { return left_out(); }

Result<void> write_yaml(String&, MessageRef) { return left_out(); }

#endif

}  // namespace reflow::codec
