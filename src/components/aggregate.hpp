// GroupAggregate: groups of packets, and what is computed of each group.
// Neighbours: accumulator.hpp; aggregate_config.cpp reads the configuration, aggregate.cpp gathers
// and emits. Thread: see runtime/context.
#pragma once

#include "components/accumulator.hpp"
#include "components/actor.hpp"
#include "components/config.hpp"
#include "components/expression.hpp"

namespace reflow::components {

class GroupAggregate final : public Actor {
public:
    static Result<std::unique_ptr<GroupAggregate>> create(Context& context);
    Result<void> run(Context& context, std::span<Packet> inputs) override;
    Result<void> finish(Context& context) override;
    Result<Message> save(Context& context) override;
    Result<void> load(Context& context, MessageRef saved, std::uint32_t version) override;
    static constexpr std::uint32_t state_version = 1;

    static constexpr std::uint32_t in_port = 0;
    static constexpr std::uint32_t flush_port = 1;
    static constexpr std::uint32_t out_port = 0;

private:
    // A part of the key of a group.
    struct Key {
        Message name;
        Expression value;
    };
    // A field or expression whose values are gathered, and for what.
    struct Source {
        String text;    // for messages
        Message field;  // or, if none:
        Expression value;
        Needs needs;
        std::uint64_t missing = 0;
    };
    // One key of what is emitted.
    struct Output {
        Message name;
        Aggregate aggregate = Aggregate::count;
        std::size_t source = rows;  // rows: the number of packets in the group
    };
    static constexpr std::size_t rows = SIZE_MAX;
    struct Group {
        Vector<Message> key;
        std::uint64_t rows = 0;
        Vector<Accumulator> values;  // by source
    };

    explicit GroupAggregate(const Config& config);
    void read_keys(const Config& config, ExpressionReader& expressions);
    void read_outputs(const Config& config, ExpressionReader& expressions);
    void read_compact(const Section& section);
    void read_general(const Section& section, ExpressionReader& expressions);
    std::size_t field_source(std::string_view field);
    std::size_t source_of(const Section& section, ExpressionReader& expressions);
    void add_output(const Section& section, std::string_view name, Aggregate aggregate,
                    std::size_t source);

    [[nodiscard]] Result<Message> save_group(const Group& group) const;
    Result<void> load_group(MessageRef saved);
    Result<void> add(MessageRef input);
    Result<std::size_t> find_group(MessageRef input);
    Result<void> evaluate_sources(MessageRef input);
    [[nodiscard]] static bool missing(MessageRef value) noexcept;

    // Emits as far as there is room; false if some groups are left.
    Result<bool> emit_groups(Context& context);
    void begin_emitting();
    Result<Message> describe_group(Group& group) const;
    void report_missing(Context& context);
    void reset();

    Vector<Key> keys_;
    Vector<Source> sources_;
    Vector<Output> outputs_;
    bool skips_missing_ = true;
    bool sorts_ = true;
    std::size_t max_groups_ = 0;
    std::size_t max_values_ = 0;

    Vector<Group> groups_;  // in the order of their first packets
    TextMap<std::size_t> positions_;
    std::size_t kept_values_ = 0;
    bool emitting_ = false;
    Vector<std::size_t> order_;  // of emission
    std::size_t emitted_ = 0;

    // While one input is handled.
    String key_bytes_;
    Vector<Message> key_values_;
    Vector<Message> values_;  // by source; none: missing
};

Result<runtime::ComponentRef> group_aggregate();

}  // namespace reflow::components
