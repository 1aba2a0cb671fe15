// Expressions as components use them, and their reading from a configuration.
// Neighbours: expression_program.hpp. Thread: that of the actor.
#include "components/expression.hpp"

#include <algorithm>

#include "components/expression_functions.hpp"
#include "components/expression_program.hpp"
#include "graph/config_schema.hpp"

namespace reflow::components {

Expression::Expression() noexcept = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

Result<Expression> Expression::compile(std::string_view text, const ExpressionNames& names,
                                       std::string_view label) {
    if (text.size() > expression_limits::text_bytes) {
        return Failure(REFLOW_ERROR_LIMIT,
                       concat("expression of ", text.size(), " bytes is longer than ",
                              expression_limits::text_bytes, " bytes"));
    }
    if (auto offset = invalid_utf8(text)) {
        return Failure(REFLOW_ERROR_INVALID_UTF8, concat("invalid UTF-8 at byte ", *offset));
    }
    Result<std::unique_ptr<const Program>> program = parse_expression(text, names, label);
    if (!program.ok()) return program.take_error();
    Expression made;
    made.program_ = std::move(program).take();
    made.stack_.resize(made.program_->stack_size);
    made.places_.resize(made.program_->fields);
    return made;
}

Expression Expression::constant(Message value) {
    auto program = std::make_unique<Program>();
    program->constants.push_back(std::move(value));
    program->code.push_back({Op::constant, 0, 0});
    program->origins.push_back({});
    Expression made;
    made.program_ = std::move(program);
    made.stack_.resize(1);
    return made;
}

Result<Message> Expression::evaluate(const ExpressionScope& scope) {
    if (program_ == nullptr) return Failure(REFLOW_ERROR_INTERNAL, "no expression to evaluate");
    return run_program(*program_, scope, stack_, places_);
}

Result<bool> Expression::test(const ExpressionScope& scope) {
    Result<Message> value = evaluate(scope);
    if (!value.ok()) return value.take_error();
    if (value.value().is(REFLOW_KIND_BOOLEAN)) return value.value().boolean();
    String fact = concat("expected true or false, found ", kind_with_article(value.value()));
    if (!program_->label.empty()) append(fact, concat(" as the value of ", program_->label));
    return Failure(REFLOW_ERROR_FAILED, fact);
}

std::span<const String> Expression::config_keys() const noexcept {
    if (program_ == nullptr) return {};
    return program_->config_keys;
}

// ---- reading

Expression ExpressionReader::compile(const Section& section, MessageRef found, const String& path) {
    if (found.number() || found.is(REFLOW_KIND_BOOLEAN)) return Expression::constant(found.own());
    if (!found.is(REFLOW_KIND_STRING)) {
        section.fail(Failure(REFLOW_ERROR_CONFIG,
                             concat("expected an expression, found ", kind_with_article(found)))
                         .path(path)
                         .take());
        return Expression();
    }
    std::string_view label = path;
    label.remove_prefix(label.starts_with("$.") ? 2 : 0);
    Result<Expression> compiled =
        Expression::compile(found.text(), {config_.value(), locals_}, label);
    if (!compiled.ok()) {
        compiled.error().path = path;
        section.fail(compiled.take_error());
        return Expression();
    }
    for (const String& used : compiled.value().config_keys()) used_.push_back(used);
    return std::move(compiled).take();
}

Expression ExpressionReader::read(const Section& section, std::string_view key) {
    MessageRef found = section.find(key);
    return found.none() ? Expression() : compile(section, found, section.path(key));
}

Expression ExpressionReader::element(const Section& section, std::string_view key,
                                     std::size_t index) {
    MessageRef found = section.find(key);
    if (!found.is(REFLOW_KIND_ARRAY)) return read(section, key);
    return compile(section, found.at(index), concat(section.path(key), "[", index, "]"));
}

Expression ExpressionReader::required(const Section& section, std::string_view key) {
    if (!section.has(key)) section.fail({}, concat("missing configuration key '", key, "'"));
    return read(section, key);
}

void ExpressionReader::only(std::initializer_list<std::string_view> keys) const {
    for (std::size_t i = 0; i < config_.size(); ++i) {
        std::string_view key = config_.key_at(i);
        bool known = std::find(keys.begin(), keys.end(), key) != keys.end() ||
                     std::find(used_.begin(), used_.end(), key) != used_.end() ||
                     graph::editor_key(key) || config_.find("env_vars").has(key);
        if (known) continue;
        Vector<std::string_view> candidates(keys.begin(), keys.end());
        for (const String& used : used_) candidates.push_back(used);
        String hint = did_you_mean(key, candidates);
        if (hint.empty()) hint = concat("no expression reads it as $", key);
        config_.fail({}, concat("unknown configuration key '", key, "'"), hint);
        return;
    }
}

}  // namespace reflow::components
