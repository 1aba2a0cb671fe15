// The hash index of the graph model.
// Thread: one at a time.
#include "graph/chain_index.hpp"

namespace reflow::graph {

void ChainIndex::reserve(std::uint32_t position) {
    if (position >= links_.size()) links_.resize(std::size_t{position} + 1);
    if (links_.size() <= buckets_.size()) return;
    std::size_t count = 16;
    while (count < links_.size()) count *= 2;
    Vector<std::uint32_t> buckets(count, nowhere);
    buckets_.swap(buckets);
    for (std::uint32_t i = 0; i < links_.size(); ++i) {
        if (links_[i].next != unused) link(i);
    }
}

void ChainIndex::insert(std::uint32_t position, std::uint64_t hash) noexcept {
    REFLOW_ASSERT(position < links_.size() && links_[position].next == unused);
    links_[position].hash = fold(hash);
    link(position);
}

void ChainIndex::link(std::uint32_t position) noexcept {
    Link& item = links_[position];
    std::uint32_t& head = buckets_[bucket(item.hash)];
    item.previous = nowhere;
    item.next = head;
    if (head != nowhere) links_[head].previous = position;
    head = position;
}

void ChainIndex::erase(std::uint32_t position) noexcept {
    REFLOW_ASSERT(position < links_.size() && links_[position].next != unused);
    Link& item = links_[position];
    if (item.previous == nowhere) {
        buckets_[bucket(item.hash)] = item.next;
    } else {
        links_[item.previous].next = item.next;
    }
    if (item.next != nowhere) links_[item.next].previous = item.previous;
    item = Link{};
}

}  // namespace reflow::graph
