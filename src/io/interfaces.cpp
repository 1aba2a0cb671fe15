// The addresses of this machine, by getifaddrs.
// Thread: any.
#include "io/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/text.hpp"

namespace reflow::io {
namespace {

struct FreeAddresses {
    void operator()(ifaddrs* list) const noexcept { freeifaddrs(list); }
};

void add_ipv4(InterfaceAddress entry, const ifaddrs& found, Vector<InterfaceAddress>& to) {
    sockaddr_in address;
    std::memcpy(&address, found.ifa_addr, sizeof address);
    char text[INET_ADDRSTRLEN];
    if (inet_ntop(AF_INET, &address.sin_addr, text, sizeof text) == nullptr) return;
    std::uint32_t number = ntohl(address.sin_addr.s_addr);
    entry.address = text;
    entry.loopback = entry.loopback || number >> 24 == 127;
    entry.link_local = number >> 16 == 0xA9FE;
    to.push_back(std::move(entry));
}

void add_ipv6(InterfaceAddress entry, const ifaddrs& found, Vector<InterfaceAddress>& to) {
    sockaddr_in6 address;
    std::memcpy(&address, found.ifa_addr, sizeof address);
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text) == nullptr) return;
    const unsigned char* bytes = address.sin6_addr.s6_addr;
    entry.address = text;
    entry.ipv6 = true;
    entry.link_local = bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
    to.push_back(std::move(entry));
}

}  // namespace

Result<Vector<InterfaceAddress>> interface_addresses() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return Failure(REFLOW_ERROR_IO, concat("the addresses of this machine cannot be read: ",
                                               std::strerror(errno)));
    }
    std::unique_ptr<ifaddrs, FreeAddresses> owner(list);
    Vector<InterfaceAddress> all;
    for (const ifaddrs* found = list; found != nullptr; found = found->ifa_next) {
        if (found->ifa_addr == nullptr || (found->ifa_flags & IFF_UP) == 0) continue;
        InterfaceAddress entry;
        entry.name = found->ifa_name;
        entry.loopback = (found->ifa_flags & IFF_LOOPBACK) != 0;
        if (found->ifa_addr->sa_family == AF_INET) {
            add_ipv4(std::move(entry), *found, all);
        } else if (found->ifa_addr->sa_family == AF_INET6) {
            add_ipv6(std::move(entry), *found, all);
        }
    }
    return all;
}

}  // namespace reflow::io
