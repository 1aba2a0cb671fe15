// GroupAggregate: gathering and emitting.
// Neighbours: aggregate.hpp. Thread: see runtime/context.
#include "components/aggregate.hpp"

#include <algorithm>
#include <cmath>

#include "components/batch.hpp"
#include "components/families.hpp"
#include "components/text_tools.hpp"

namespace reflow::components {

Result<std::unique_ptr<GroupAggregate>> GroupAggregate::create(Context& context) {
    Config config(context);
    std::unique_ptr<GroupAggregate> made(new GroupAggregate(config));
    if (!config.ok()) return config.take_error();
    return made;
}

Result<void> GroupAggregate::run(Context& context, std::span<Packet> inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i].port == flush_port) {
            Result<bool> all = emit_groups(context);
            if (!all.ok()) return all.take_error();
            if (!all.value()) {
                (void)context.again();  // this flush comes again, with all behind it
                return {};
            }
        } else if (Result<void> done = add(MessageRef(inputs[i].message)); !done.ok()) {
            return done;
        }
        (void)context.advance(i + 1);  // within the batch, so it cannot fail
    }
    return {};
}

Result<void> GroupAggregate::finish(Context& context) {
    Result<bool> all = emit_groups(context);
    if (!all.ok()) return all.take_error();
    if (!all.value()) (void)context.again();
    return {};
}

// ---- gathering

bool GroupAggregate::missing(MessageRef value) noexcept {
    return value.none() || value.nothing() ||
           (value.is(REFLOW_KIND_FLOAT) && std::isnan(value.real()));
}

Result<void> GroupAggregate::evaluate_sources(MessageRef input) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        Source& source = sources_[i];
        if (source.field.none()) {
            Result<Message> value = source.value.evaluate({input});
            if (!value.ok()) return value.take_error();
            values_[i] = std::move(value).take();
        } else {
            values_[i] = plain_value(input.get(source.field.text())).own();
        }
        if (!missing(values_[i])) continue;
        if (!skips_missing_) {
            return Failure(REFLOW_ERROR_FAILED,
                           concat("'", clip(source.text), "' is missing or null"));
        }
        values_[i] = Message();
    }
    return {};
}

Result<std::size_t> GroupAggregate::find_group(MessageRef input) {
    key_bytes_.clear();
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        Result<Message> value = keys_[i].value.evaluate({input});
        if (!value.ok()) return value.take_error();
        key_values_[i] = std::move(value).take();
        if (append_scalar_key(key_bytes_, key_values_[i])) continue;
        return Failure(REFLOW_ERROR_FAILED, concat("key '", keys_[i].name.text(),
                                                   "': expected a number, a string, a "
                                                   "boolean or null, found ",
                                                   kind_with_article(key_values_[i])));
    }
    auto found = positions_.find(key_bytes_);
    if (found != positions_.end()) return found->second;
    if (groups_.size() >= max_groups_) {
        return Failure(REFLOW_ERROR_LIMIT, concat("more than ", max_groups_, " groups"))
            .hint("raise 'max_groups', or group by something coarser");
    }
    // Memory first, so that a group and its position are there together or not at all.
    if (groups_.size() == groups_.capacity()) groups_.reserve(groups_.size() * 2 + 16);
    Group group;
    group.key = key_values_;
    group.values.resize(sources_.size());
    positions_.emplace(key_bytes_, groups_.size());
    groups_.push_back(std::move(group));
    return groups_.size() - 1;
}

// A packet is added as a whole or, when something is wrong with it, not at all.
Result<void> GroupAggregate::add(MessageRef input) {
    if (Result<void> done = evaluate_sources(input); !done.ok()) return done;
    std::size_t groups_before = groups_.size();
    Result<std::size_t> position = find_group(input);
    if (!position.ok()) return position.take_error();
    Group& group = groups_[position.value()];
    std::size_t most_kept = kept_values_;
    Result<void> fault;
    for (std::size_t i = 0; i < sources_.size() && fault.ok(); ++i) {
        if (values_[i].none()) continue;
        fault = group.values[i].check(values_[i], sources_[i].needs);
        if (!fault.ok()) {
            fault.error().message =
                concat("'", clip(sources_[i].text), "': ", fault.error().message);
        }
        if (sources_[i].needs.tally()) ++most_kept;
        if (sources_[i].needs.has(Aggregate::median)) ++most_kept;
    }
    if (fault.ok() && most_kept > max_values_) {
        fault = Failure(REFLOW_ERROR_LIMIT, concat("more than ", max_values_,
                                                   " values to keep for mode, distinct and "
                                                   "median"))
                    .hint("raise 'max_values'");
    }
    if (!fault.ok()) {
        if (groups_.size() > groups_before) {
            groups_.pop_back();
            positions_.erase(positions_.find(key_bytes_));
        }
        return fault;
    }
    ++group.rows;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (values_[i].none()) {
            ++sources_[i].missing;
        } else {
            kept_values_ += group.values[i].add(values_[i], sources_[i].needs);
        }
    }
    return {};
}

// ---- emitting

void GroupAggregate::begin_emitting() {
    order_.resize(groups_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    if (sorts_) {
        std::sort(order_.begin(), order_.end(), [this](std::size_t a, std::size_t b) {
            for (std::size_t i = 0; i < keys_.size(); ++i) {
                int order = compare_scalars(groups_[a].key[i], groups_[b].key[i]);
                if (order != 0) return order < 0;
            }
            return a < b;
        });
    }
    emitted_ = 0;
    emitting_ = true;
}

Result<bool> GroupAggregate::emit_groups(Context& context) {
    if (!emitting_) {
        report_missing(context);
        begin_emitting();
    }
    // One at least, so that something happens whenever it is called.
    std::size_t room = std::max<std::size_t>(context.room(out_port), 1);
    for (; emitted_ < order_.size(); ++emitted_, --room) {
        if (room == 0) return false;
        Result<Message> object = describe_group(groups_[order_[emitted_]]);
        if (!object.ok()) return object.take_error();
        Result<void> sent = emit(context, out_port, std::move(object).take());
        // Beyond what one call may emit the next goes on.
        if (!sent.ok() && sent.error().status == REFLOW_ERROR_LIMIT) return false;
        if (!sent.ok()) return sent.take_error();
    }
    reset();
    return true;
}

Result<Message> GroupAggregate::describe_group(Group& group) const {
    ObjectBuilder object(keys_.size() + outputs_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) object.set(keys_[i].name, group.key[i]);
    for (const Output& output : outputs_) {
        object.set(output.name, output.source == rows
                                    ? Message::integer(static_cast<std::int64_t>(group.rows))
                                    : group.values[output.source].result(output.aggregate));
    }
    return object.finish();
}

void GroupAggregate::report_missing(Context& context) {
    for (Source& source : sources_) {
        if (source.missing > 0) {
            context.log(REFLOW_LOG_WARN,
                        concat("'", clip(source.text), "' was missing or null in ", source.missing,
                               source.missing == 1 ? " packet" : " packets"));
        }
        source.missing = 0;
    }
}

void GroupAggregate::reset() {
    groups_.clear();
    positions_.clear();
    order_.clear();
    kept_values_ = 0;
    emitting_ = false;
}

Result<void> aggregate_family(Components& all) {
    Result<runtime::ComponentRef> made = group_aggregate();
    if (!made.ok()) return made.take_error();
    all.push_back(std::move(made).take());
    return {};
}

}  // namespace reflow::components
