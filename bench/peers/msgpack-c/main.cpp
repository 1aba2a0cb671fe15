// The peer "msgpack-c": MessagePack by msgpack-c, into its objects and out of them.
#include <msgpack.h>

#include <cstring>
#include <memory>

#include "codec/documents.hpp"
#include "contender.hpp"

namespace bench {
namespace {

struct Place {
    const msgpack_object* object;
    std::uint32_t next;
};

void enter(const msgpack_object& object, Checksum& sum, std::vector<Place>& path) {
    switch (object.type) {
        case MSGPACK_OBJECT_NIL:
            sum.null();
            break;
        case MSGPACK_OBJECT_BOOLEAN:
            sum.boolean(object.via.boolean);
            break;
        case MSGPACK_OBJECT_POSITIVE_INTEGER:
            sum.number(static_cast<double>(object.via.u64));
            break;
        case MSGPACK_OBJECT_NEGATIVE_INTEGER:
            sum.number(static_cast<double>(object.via.i64));
            break;
        case MSGPACK_OBJECT_FLOAT32:
        case MSGPACK_OBJECT_FLOAT64:
            sum.number(object.via.f64);
            break;
        case MSGPACK_OBJECT_STR:
            sum.text({object.via.str.ptr, object.via.str.size});
            break;
        case MSGPACK_OBJECT_ARRAY:
            sum.array(object.via.array.size);
            path.push_back({&object, 0});
            break;
        case MSGPACK_OBJECT_MAP:
            sum.object(object.via.map.size);
            path.push_back({&object, 0});
            break;
        default:
            std::exit(1);
    }
}

std::int64_t checksum(const msgpack_object& root) {
    Checksum sum;
    std::vector<Place> path;
    enter(root, sum, path);
    while (!path.empty()) {
        Place& place = path.back();
        const msgpack_object& object = *place.object;
        std::uint32_t index = place.next++;
        if (object.type == MSGPACK_OBJECT_ARRAY) {
            if (index == object.via.array.size) {
                path.pop_back();
            } else {
                enter(object.via.array.ptr[index], sum, path);
            }
        } else if (index == object.via.map.size) {
            path.pop_back();
        } else {
            const msgpack_object_kv& entry = object.via.map.ptr[index];
            sum.text({entry.key.via.str.ptr, entry.key.via.str.size});
            enter(entry.val, sum, path);
        }
    }
    return sum.value();
}

// An object and the bytes that it looks into: texts are not copied out of them, so that an object
// that outlives the input, as a message of the engine does, needs a copy of it.
class Tree {
public:
    Tree() { msgpack_unpacked_init(&unpacked_); }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree() { msgpack_unpacked_destroy(&unpacked_); }

    void read(const char* data, std::size_t size) {
        bytes_.reset(new char[size]);
        std::memcpy(bytes_.get(), data, size);
        std::size_t offset = 0;
        if (msgpack_unpack_next(&unpacked_, bytes_.get(), size, &offset) !=
            MSGPACK_UNPACK_SUCCESS) {
            std::exit(1);
        }
    }
    const msgpack_object& object() const { return unpacked_.data; }

private:
    msgpack_unpacked unpacked_;
    std::unique_ptr<char[]> bytes_;
};

int run(const Call& call) {
    bool reads = call.shape == "msgpack-read";
    if (!reads && call.shape != "msgpack-write") return UNSUPPORTED;
    const std::string& bytes = document(call.size).msgpack;
    Tree tree;
    msgpack_sbuffer written;
    msgpack_sbuffer_init(&written);
    tree.read(bytes.data(), bytes.size());
    std::uint64_t begin = now_ns();
    for (std::int64_t i = 0; i < call.n; ++i) {
        if (reads) {
            tree.read(bytes.data(), bytes.size());
        } else {
            // A fresh buffer each time, as the others give one.
            msgpack_sbuffer_destroy(&written);
            msgpack_sbuffer_init(&written);
            msgpack_packer packer;
            msgpack_packer_init(&packer, &written, msgpack_sbuffer_write);
            msgpack_pack_object(&packer, tree.object());
        }
    }
    std::uint64_t took = now_ns() - begin;
    if (!reads) tree.read(written.data, written.size);
    std::int64_t sum = checksum(tree.object());
    msgpack_sbuffer_destroy(&written);
    return answer(took, call.n, sum);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::run(bench::read_call(argc, argv)); }
