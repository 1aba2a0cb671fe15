// What is gathered of the values of one field in one group.
// Thread: that of the actor.
#include "components/accumulator.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "components/config.hpp"
#include "components/expression_functions.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {
namespace {

int rank(MessageRef value) noexcept {
    if (value.is(REFLOW_KIND_BOOLEAN)) return 1;
    if (value.number()) return 2;
    return value.is(REFLOW_KIND_STRING) ? 3 : 0;
}

template <typename T>
void append_bytes(String& to, char kind, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    to += kind;
    to.append(bytes, sizeof value);
}

bool scalar(MessageRef value) noexcept {
    return value.is(REFLOW_KIND_BOOLEAN) || value.number() || value.is(REFLOW_KIND_STRING) ||
           value.is(REFLOW_KIND_NULL);
}

}  // namespace

int compare_scalars(MessageRef a, MessageRef b) noexcept {
    int rank_a = rank(a);
    int rank_b = rank(b);
    if (rank_a != rank_b) return rank_a < rank_b ? -1 : 1;
    if (rank_a == 1) return static_cast<int>(a.boolean()) - static_cast<int>(b.boolean());
    if (rank_a == 3) return a.text().compare(b.text());
    if (rank_a != 2) return 0;
    int order = compare_numbers(a, b);
    if (order != 2) return order;
    // What is not a number comes behind the numbers.
    bool nan_a = std::isnan(a.real());
    bool nan_b = std::isnan(b.real());
    return static_cast<int>(nan_a) - static_cast<int>(nan_b);
}

bool append_scalar_key(String& to, MessageRef value) {
    switch (value.kind()) {
        case REFLOW_KIND_NULL:
            to += 'n';
            return true;
        case REFLOW_KIND_BOOLEAN:
            to += value.boolean() ? 't' : 'f';
            return true;
        case REFLOW_KIND_INTEGER:
            append_bytes(to, 'i', value.integer());
            return true;
        case REFLOW_KIND_FLOAT: {
            double real = value.real();
            bool fits = real >= -9223372036854775808.0 && real < 9223372036854775808.0;
            if (fits && real == std::trunc(real)) {
                append_bytes(to, 'i', static_cast<std::int64_t>(real));
            } else {
                append_bytes(to, 'r', std::isnan(real) ? std::bit_cast<double>(UINT64_MAX) : real);
            }
            return true;
        }
        case REFLOW_KIND_STRING:
            append_bytes(to, 's', value.text().size());
            to += value.text();
            return true;
        default:
            return false;
    }
}

Result<void> Accumulator::check(MessageRef value, Needs needs) const {
    if (needs.numbers() && !value.number()) {
        return Failure(REFLOW_ERROR_FAILED, concat("expected a number, found ", quote(value)));
    }
    if (needs.extremes()) {
        bool comparable = value.number() || value.is(REFLOW_KIND_STRING);
        if (!comparable) {
            return Failure(REFLOW_ERROR_FAILED,
                           concat("expected a number or a string, found ", quote(value)));
        }
        if (count_ > 0 && value.number() != min_.number()) {
            return Failure(REFLOW_ERROR_FAILED,
                           concat("expected ", min_.number() ? "a number" : "a string",
                                  " as before in this group, found ", quote(value)));
        }
    }
    if (needs.tally() && !scalar(value)) {
        return Failure(REFLOW_ERROR_FAILED,
                       concat("expected a number, a string or a boolean, found ", quote(value)));
    }
    return {};
}

void Accumulator::add_number(MessageRef value, Needs needs) {
    if (value.is(REFLOW_KIND_INTEGER)) {
        integers_ += value.integer();
    } else {
        reals_.add(value.real());
        any_real_ = true;
    }
    if (needs.has(Aggregate::stddev)) {
        double before = value.real() - mean_;
        mean_ += before / static_cast<double>(count_);
        squares_ += before * (value.real() - mean_);
    }
}

std::size_t Accumulator::add(MessageRef value, Needs needs) {
    std::size_t kept = 0;
    if (needs.has(Aggregate::median)) {
        values_.push_back(value.real());
        ++kept;
    }
    if (needs.tally()) {
        if (tallies_ == nullptr) tallies_ = std::make_unique<Tallies>();
        String key;
        (void)append_scalar_key(key, value);  // check() has seen that it is a scalar
        auto [entry, added] = tallies_->by_key.try_emplace(std::move(key));
        if (added) {
            entry->second.value = value.own();
            ++kept;
        }
        ++entry->second.count;
    }
    ++count_;
    if (needs.numbers()) add_number(value, needs);
    if (needs.extremes()) {
        if (count_ == 1 || compare_scalars(value, min_) < 0) min_ = value.own();
        if (count_ == 1 || compare_scalars(value, max_) > 0) max_ = value.own();
    }
    if (needs.ends()) {
        if (count_ == 1) first_ = value.own();
        last_ = value.own();
    }
    return kept;
}

double Accumulator::total() const noexcept {
    return static_cast<double>(integers_) + reals_.value();
}

Message Accumulator::sum() const {
    bool fits = integers_ >= INT64_MIN && integers_ <= INT64_MAX;
    if (!any_real_ && fits) return Message::integer(static_cast<std::int64_t>(integers_));
    return Message::real(total());
}

// The most frequent value, of several the least.
Message Accumulator::mode() const {
    const Tally* best = nullptr;
    for (const auto& [key, tally] : tallies_->by_key) {
        bool better = best == nullptr || tally.count > best->count ||
                      (tally.count == best->count && compare_scalars(tally.value, best->value) < 0);
        if (better) best = &tally;
    }
    return best->value;
}

Message Accumulator::median() {
    auto middle = values_.begin() + static_cast<std::ptrdiff_t>(values_.size() / 2);
    std::nth_element(values_.begin(), middle, values_.end());
    if (values_.size() % 2 == 1) return Message::real(*middle);
    double below = *std::max_element(values_.begin(), middle);
    return Message::real(below + (*middle - below) / 2);
}

Message Accumulator::result(Aggregate aggregate) {
    if (aggregate == Aggregate::count) return Message::integer(static_cast<std::int64_t>(count_));
    if (aggregate == Aggregate::distinct) {
        std::size_t size = tallies_ == nullptr ? 0 : tallies_->by_key.size();
        return Message::integer(static_cast<std::int64_t>(size));
    }
    if (count_ == 0) return Message::null();
    switch (aggregate) {
        case Aggregate::sum:
            return sum();
        case Aggregate::mean:
            return Message::real(total() / static_cast<double>(count_));
        case Aggregate::min:
            return min_;
        case Aggregate::max:
            return max_;
        case Aggregate::first:
            return first_;
        case Aggregate::last:
            return last_;
        case Aggregate::mode:
            return mode();
        case Aggregate::median:
            return median();
        default:
            if (count_ == 1) return Message::null();
            return Message::real(std::sqrt(squares_ / static_cast<double>(count_ - 1)));
    }
}

// ---- snapshots

bool Accumulator::keeps(Needs needs) const noexcept {
    if (needs.has(Aggregate::median) && values_.empty()) return false;
    if (needs.extremes() && (min_.none() || max_.none())) return false;
    if (needs.ends() && (first_.none() || last_.none())) return false;
    return !needs.tally() || (tallies_ != nullptr && !tallies_->by_key.empty());
}

Result<Message> Accumulator::save() const {
    ObjectBuilder object(12);
    auto bits = static_cast<unsigned __int128>(integers_);
    const std::int64_t whole[] = {static_cast<std::int64_t>(count_),
                                  static_cast<std::int64_t>(static_cast<std::uint64_t>(bits >> 64)),
                                  static_cast<std::int64_t>(static_cast<std::uint64_t>(bits))};
    const double parts[] = {reals_.sum(), reals_.lost(), mean_, squares_};
    object.set("whole", Message::numbers(std::span<const std::int64_t>(whole)));
    object.set("parts", Message::numbers(std::span<const double>(parts)));
    object.set("any_real", Message::boolean(any_real_));
    const std::pair<std::string_view, const Message&> values[] = {
        {"min", min_}, {"max", max_}, {"first", first_}, {"last", last_}};
    for (const auto& [name, value] : values) {
        if (!value.none()) object.set(name, value);
    }
    if (!values_.empty()) {
        object.set("values", Message::numbers(std::span<const double>(values_)));
    }
    if (tallies_ == nullptr) return object.finish();
    ArrayBuilder tallies(2 * tallies_->by_key.size());
    for (const auto& [key, tally] : tallies_->by_key) {
        tallies.append(tally.value);
        tallies.append(Message::integer(static_cast<std::int64_t>(tally.count)));
    }
    Result<Message> made = tallies.finish();
    if (!made.ok()) return made;
    object.set("tallies", std::move(made).take());
    return object.finish();
}

bool Accumulator::load(MessageRef saved) {
    MessageRef whole = saved.get("whole");
    MessageRef parts = saved.get("parts");
    bool valid = whole.size() == 3 && whole.at(0).is(REFLOW_KIND_INTEGER) &&
                 whole.at(1).is(REFLOW_KIND_INTEGER) && whole.at(2).is(REFLOW_KIND_INTEGER) &&
                 parts.size() == 4 && parts.at(0).is(REFLOW_KIND_FLOAT) &&
                 parts.numbers_type() != 0;
    if (!valid) return false;
    count_ = static_cast<std::uint64_t>(whole.at(0).integer());
    auto high = static_cast<unsigned __int128>(static_cast<std::uint64_t>(whole.at(1).integer()));
    auto low = static_cast<std::uint64_t>(whole.at(2).integer());
    integers_ = static_cast<__int128>(high << 64 | low);
    reals_.set(parts.at(0).real(), parts.at(1).real());
    mean_ = parts.at(2).real();
    squares_ = parts.at(3).real();
    any_real_ = saved.get("any_real").boolean();
    min_ = saved.get("min").own();
    max_ = saved.get("max").own();
    first_ = saved.get("first").own();
    last_ = saved.get("last").own();
    MessageRef values = saved.get("values");
    for (std::size_t i = 0; i < values.size(); ++i) values_.push_back(values.at(i).real());
    MessageRef tallies = saved.get("tallies");
    for (std::size_t i = 0; i + 1 < tallies.size(); i += 2) {
        if (tallies_ == nullptr) tallies_ = std::make_unique<Tallies>();
        String key;
        if (!append_scalar_key(key, tallies.at(i))) return false;
        tallies_->by_key[std::move(key)] = {
            tallies.at(i).own(), static_cast<std::uint64_t>(tallies.at(i + 1).integer())};
    }
    return true;
}

}  // namespace reflow::components
