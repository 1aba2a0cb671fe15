// GroupAggregate: what a snapshot has of its groups.
// Neighbours: aggregate.hpp. Thread: see runtime/context.
#include "components/aggregate.hpp"
#include "message/count.hpp"

namespace reflow::components {
namespace {

Result<Message> list_of(const Vector<Message>& messages) {
    ArrayBuilder list(messages.size());
    for (const Message& message : messages) list.append(message);
    return list.finish();
}

}  // namespace

Result<Message> GroupAggregate::save_group(const Group& group) const {
    ArrayBuilder values(group.values.size());
    for (const Accumulator& accumulator : group.values) {
        Result<Message> made = accumulator.save();
        if (!made.ok()) return made;
        values.append(std::move(made).take());
    }
    Result<Message> all = values.finish();
    Result<Message> key = list_of(group.key);
    if (!all.ok()) return all;
    if (!key.ok()) return key;
    ObjectBuilder object(3);
    object.set("key", std::move(key).take());
    object.set("rows", count_message(group.rows));
    object.set("values", std::move(all).take());
    return object.finish();
}

Result<Message> GroupAggregate::save(Context&) {
    ArrayBuilder groups(groups_.size());
    for (const Group& group : groups_) {
        Result<Message> made = save_group(group);
        if (!made.ok()) return made;
        groups.append(std::move(made).take());
    }
    ArrayBuilder missing(sources_.size());
    for (const Source& source : sources_) missing.append(count_message(source.missing));
    Result<Message> all = groups.finish();
    Result<Message> missed = missing.finish();
    if (!all.ok()) return all;
    if (!missed.ok()) return missed;
    ObjectBuilder object(4);
    object.set("groups", std::move(all).take());
    object.set("missing", std::move(missed).take());
    object.set("emitting", Message::boolean(emitting_));
    object.set("emitted", count_message(emitted_));
    return object.finish();
}

Result<void> GroupAggregate::load_group(MessageRef saved) {
    MessageRef key = saved.get("key");
    MessageRef values = saved.get("values");
    Group group;
    if (key.size() != keys_.size() || values.size() != sources_.size() ||
        !saved_count(saved.get("rows"), group.rows)) {
        return bad_state("a group has other keys or values");
    }
    key_bytes_.clear();
    for (std::size_t i = 0; i < key.size(); ++i) {
        if (!append_scalar_key(key_bytes_, key.at(i))) return bad_state("a key is no scalar");
        group.key.push_back(key.at(i).own());
    }
    group.values.resize(sources_.size());
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        Accumulator& to = group.values[i];
        if (!to.load(values.at(i)) || (!to.empty() && !to.keeps(sources_[i].needs))) {
            return bad_state("the values of a group are not those that are asked for");
        }
        kept_values_ += to.kept();
    }
    if (!positions_.emplace(key_bytes_, groups_.size()).second) {
        return bad_state("a group is there twice");
    }
    groups_.push_back(std::move(group));
    return {};
}

Result<void> GroupAggregate::load(Context&, MessageRef saved, std::uint32_t) {
    MessageRef groups = saved.get("groups");
    MessageRef missing = saved.get("missing");
    if (!groups.is(REFLOW_KIND_ARRAY) || groups.size() > max_groups_ ||
        missing.size() != sources_.size()) {
        return bad_state("its groups are not those of this configuration");
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (Result<void> loaded = load_group(groups.at(i)); !loaded.ok()) return loaded;
    }
    if (kept_values_ > max_values_) return bad_state("it keeps more than 'max_values' allows");
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (!saved_count(missing.at(i), sources_[i].missing))
            return bad_state("a count is missing");
    }
    if (!saved.get("emitting").boolean()) return {};
    begin_emitting();
    std::uint64_t emitted = 0;
    if (!saved_count(saved.get("emitted"), emitted) || emitted > order_.size()) {
        return bad_state("more groups are emitted than there are");
    }
    emitted_ = static_cast<std::size_t>(emitted);
    return {};
}

}  // namespace reflow::components
