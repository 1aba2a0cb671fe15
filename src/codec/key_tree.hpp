// The rows of keys that objects of one document have, as a tree. The next key and the first key of
// a container that is its value are mostly those that followed the last time, so that they are
// compared instead of looked up; and objects with the same row share it.
// Neighbours: the JSON and MessagePack readers. Thread: one.
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/document_texts.hpp"

namespace reflow::codec {

class KeyTree {
public:
    // A key in its row: that which its parents make.
    struct Node {
        reflow_message key;
        heap::Head* keys;  // of the objects that end with it, once there is one
        const char* text;
        std::size_t size;
        Node* parent;
        Node* children;  // by sibling
        Node* sibling;
        Node* next;   // the child that followed last
        Node* inner;  // first key of the last object inside
        std::uint32_t depth;
        std::uint32_t children_count;
    };

    KeyTree() noexcept { nodes_[0] = {}; }
    ~KeyTree() { forget(); }
    KeyTree(const KeyTree&) = delete;
    KeyTree& operator=(const KeyTree&) = delete;

    // Before the next document.
    void forget() noexcept {
        for (Node* node = nodes_ + 1; node < nodes_ + used_; ++node) {
            Message dropped = Message::adopt(node->key);
            if (node->keys != nullptr) heap::unref(node->keys);
        }
        nodes_[0] = {};
        used_ = 1;
    }

    // What stands before the first key of a row.
    [[nodiscard]] Node* root() noexcept { return nodes_; }

    // The node that a key leads to which was not the expected one. `around` is the node of the
    // container around the object. NULL if there is no place for it, as in rows that are long or
    // many, or for a key twice; `fresh` says whether it may get a new one.
    [[nodiscard]] Node* follow(Node* parent, Node* around, std::string_view text, bool fresh,
                               DocumentTexts& texts) {
        Node* node = parent->children;
        while (node != nullptr && std::string_view(node->text, node->size) != text) {
            node = node->sibling;
        }
        if (node == nullptr) {
            node = fresh ? add(parent, text, texts) : nullptr;
            if (node == nullptr) return nullptr;
        }
        (parent == nodes_ ? around->inner : parent->next) = node;
        return node;
    }

    // The keys on the way to a node, for objects to share; the tree keeps them.
    [[nodiscard]] heap::Head* keys_to(Node* last, Pool& pool) {
        if (last->keys != nullptr) return last->keys;
        reflow_message keys[depth_count];
        std::size_t count = last->depth;
        const Node* node = last;
        for (std::size_t i = count; i > 0; --i, node = node->parent) keys[i - 1] = node->key;
        return last->keys = make_keys(keys, count, pool);
    }

    // An object leaves the tree at the node of its last key: its keys go before their values, of
    // which there are as many, with room for as many more.
    static void spread(const Node* last, reflow_message* values, std::size_t count) noexcept {
        for (; count > 0; last = last->parent) {
            --count;
            values[2 * count + 1] = values[count];
            values[2 * count] = Pool::share(last->key);
        }
    }

private:
    static constexpr std::uint32_t nodes_count = 96;
    static constexpr std::uint32_t depth_count = 16;
    static constexpr std::uint32_t children_count = 8;

    Node* add(Node* parent, std::string_view text, DocumentTexts& texts) {
        if (used_ == nodes_count || parent->depth == depth_count ||
            parent->children_count == children_count) {
            return nullptr;
        }
        for (const Node* before = parent; before != nodes_; before = before->parent) {
            if (std::string_view(before->text, before->size) == text) return nullptr;
        }
        reflow_message key = texts.key(text);
        std::string_view kept = MessageRef(key).text();
        Node* node = &nodes_[used_++];
        *node = {key,     nullptr,          kept.data(), kept.size(), parent,
                 nullptr, parent->children, nullptr,     nullptr,     parent->depth + 1,
                 0};
        parent->children = node;
        ++parent->children_count;
        return node;
    }

    std::uint32_t used_ = 1;
    Node nodes_[nodes_count];
};

}  // namespace reflow::codec
