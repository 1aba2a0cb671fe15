// Room at inports, told to event loops instead of tasks that look again and again. The engine has one callback
// for each inport; here it is shared by all who ask.
#include "room.hpp"

#include <mutex>
#include <utility>
#include <vector>

#include "errors.hpp"

namespace reflowpy {

class Asked {
public:
    void add(std::shared_ptr<PostBox> box, uint64_t number)
    {
        const std::lock_guard lock(mutex_);
        waiting_.emplace_back(std::move(box), number);
    }
    // Each is told once: who is refused again asks again.
    void tell()
    {
        std::vector<std::pair<std::shared_ptr<PostBox>, uint64_t>> told;
        {
            const std::lock_guard lock(mutex_);
            told.swap(waiting_);
        }
        for (const auto &[box, number] : told) put(*box, number);
    }

private:
    std::mutex mutex_; // of threads of the engine and those of Python
    std::vector<std::pair<std::shared_ptr<PostBox>, uint64_t>> waiting_;
};

namespace {

void writable(void *user_data, reflow_inport) { (*static_cast<std::shared_ptr<Asked> *>(user_data))->tell(); }

// The network has ended, so sending answers that.
void forget(void *user_data)
{
    auto *asked = static_cast<std::shared_ptr<Asked> *>(user_data);
    (*asked)->tell();
    delete asked;
}

} // namespace

bool ask_room(Rooms *&rooms, reflow_network *network, reflow_inport inport, PyObject *post, uint64_t number)
{
    std::shared_ptr<PostBox> box = box_of(post);
    if (box == nullptr) return false;
    if (rooms == nullptr) rooms = new Rooms;
    std::shared_ptr<Asked> &asked = (*rooms)[inport.id];
    if (asked == nullptr) {
        auto made = std::make_shared<Asked>();
        Failure error;
        const reflow_status status =
            reflow_network_on_writable(network, inport, &writable, new std::shared_ptr<Asked>(made), &forget,
                                       error.out());
        if (!check(status, error)) return false;
        asked = std::move(made);
    }
    asked->add(std::move(box), number);
    return true;
}

} // namespace reflowpy
