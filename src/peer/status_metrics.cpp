// The status of a peer in the text format of Prometheus.
// Thread: any.
#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "peer/status.hpp"

namespace reflow::peer {
namespace {

struct Label {
    std::string_view name;
    std::string_view value;
};

// Text in which a backslash, a quote or a line end would end a label.
void escape(String& to, std::string_view text) {
    for (char c : text) {
        if (c == '\\' || c == '"') {
            to += '\\';
            to += c;
        } else if (c == '\n') {
            to += "\\n";
        } else {
            to += c;
        }
    }
}

class Metrics {
public:
    explicit Metrics(String& to) noexcept : to_(to) {}

    // Begins a family of samples.
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        append(to_, concat("# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"));
    }
    void sample(std::initializer_list<Label> labels, std::uint64_t value) {
        begin(labels);
        append(to_, concat(value, "\n"));
    }
    void sample_seconds(std::initializer_list<Label> labels, std::uint64_t ns) {
        begin(labels);
        char digits[32];
        auto end = std::to_chars(digits, digits + sizeof digits, static_cast<double>(ns) / 1e9).ptr;
        to_.append(digits, static_cast<std::size_t>(end - digits));
        to_ += '\n';
    }

private:
    void begin(std::initializer_list<Label> labels) {
        to_ += name_;
        char before = '{';
        for (const Label& label : labels) {
            to_ += before;
            append(to_, concat(label.name, "=\""));
            escape(to_, label.value);
            to_ += '"';
            before = ',';
        }
        to_ += labels.size() != 0 ? "} " : " ";
    }
    String& to_;
    std::string_view name_;
};

// The links as samples need them: those with the same labels are one, since a sample may stand
// there only once. A link that came back under another socket is such a case.
Vector<LinkStatus> merged(const Vector<LinkStatus>& links) {
    Vector<LinkStatus> all;
    auto add = [](Traffic& to, const Traffic& from) {
        to.messages += from.messages;
        to.frames += from.frames;
        to.bytes += from.bytes;
    };
    Map<String, std::size_t> places;
    for (const LinkStatus& link : links) {
        // No id and no endpoint has a control character in it.
        String key = concat(link.network_id, "\n", link.instance_id, "\n", link.endpoint, "\n",
                            std::uint32_t{link.dialled});
        auto [at, fresh] = places.try_emplace(key, all.size());
        if (fresh) {
            all.push_back(link);
            continue;
        }
        LinkStatus& to = all[at->second];
        add(to.sent, link.sent);
        add(to.received, link.received);
        to.queued_messages += link.queued_messages;
        to.queued_bytes += link.queued_bytes;
        to.unconfirmed += link.unconfirmed;
        to.streams += link.streams;
        to.reconnects += link.reconnects;
        if (link.state == LinkState::connected) to.state = link.state;
        if (link.round_trip_ns) to.round_trip_ns = link.round_trip_ns;
    }
    return all;
}

class Writer {
public:
    Writer(String& to, const Status& status)
        : out_(to), status_(status), links_(merged(status.links)) {}

    void write() {
        out_.family("reflow_peer_info", "gauge", "The peer itself; the value is always 1.");
        out_.sample({{"network_id", status_.network_id},
                     {"instance_id", status_.instance_id},
                     {"version", status_.version}},
                    1);
        out_.family("reflow_peer_uptime_seconds", "gauge", "Time since the peer started.");
        out_.sample_seconds({}, status_.uptime_ns);
        single("reflow_peer_stopping", "gauge", "1 while the peer is stopping.", status_.stopping);
        single("reflow_peer_actors", "gauge", "Actors that other networks can send to.",
               status_.actors.size());
        single("reflow_peer_remote_actors", "gauge", "Actors of other networks known here.",
               status_.remote_actors.size());
        single("reflow_peer_refused_connections_total", "counter",
               "Connections refused because there were max_connections.",
               status_.refused_connections);
        single("reflow_peer_pending_handshakes", "gauge", "Handshakes that others have begun.",
               status_.pending_handshakes);
        single("reflow_peer_failed_handshakes_total", "counter",
               "Handshakes of others that failed for another reason.", status_.failed_handshakes);
        links();
        ways();
        lost();
        messages(status_.messages);
        if (status_.outbox) outbox(*status_.outbox);
    }

private:
    void single(std::string_view name, std::string_view type, std::string_view help,
                std::uint64_t value) {
        out_.family(name, type, help);
        out_.sample({}, value);
    }

    // One sample for each link, of what `value` gives.
    template <typename Value>
    void each(std::string_view name, std::string_view type, std::string_view help, Value value) {
        out_.family(name, type, help);
        for (const LinkStatus& link : links_) {
            out_.sample({{"network_id", link.network_id},
                         {"instance_id", link.instance_id},
                         {"endpoint", link.endpoint},
                         {"direction", direction(link)}},
                        value(link));
        }
    }

    static std::string_view direction(const LinkStatus& link) noexcept {
        return link.dialled ? "out" : "in";
    }

    void links() {
        each("reflow_peer_link_up", "gauge", "1 while the link is connected.",
             [](const LinkStatus& l) -> std::uint64_t { return l.state == LinkState::connected; });
        each("reflow_peer_link_reconnects_total", "counter", "How often a link was made again.",
             [](const LinkStatus& l) { return l.reconnects; });
        each("reflow_peer_link_queued_messages", "gauge", "Messages that wait for the socket.",
             [](const LinkStatus& l) { return l.queued_messages; });
        each("reflow_peer_link_queued_bytes", "gauge", "Bytes that wait for the socket.",
             [](const LinkStatus& l) { return l.queued_bytes; });
        each("reflow_peer_link_unconfirmed_messages", "gauge",
             "Messages sent that the other side has not told of yet.",
             [](const LinkStatus& l) { return l.unconfirmed; });
        each("reflow_peer_link_streams", "gauge", "Streams on their way, in both directions.",
             [](const LinkStatus& l) { return l.streams; });
        out_.family("reflow_peer_link_round_trip_seconds", "gauge",
                    "Round trip of the last heartbeat that was answered.");
        for (const LinkStatus& link : links_) {
            if (!link.round_trip_ns) continue;
            out_.sample_seconds({{"network_id", link.network_id},
                                 {"instance_id", link.instance_id},
                                 {"endpoint", link.endpoint},
                                 {"direction", direction(link)}},
                                *link.round_trip_ns);
        }
    }

    void ways() {
        traffic("reflow_peer_link_messages_total", "Messages, by way.", &Traffic::messages);
        traffic("reflow_peer_link_frames_total", "Frames, by way.", &Traffic::frames);
        traffic("reflow_peer_link_bytes_total", "Bytes on the socket, by way.", &Traffic::bytes);
    }

    void traffic(std::string_view name, std::string_view help, std::uint64_t Traffic::*part) {
        out_.family(name, "counter", help);
        for (const LinkStatus& link : links_) {
            for (bool sent : {true, false}) {
                out_.sample({{"network_id", link.network_id},
                             {"instance_id", link.instance_id},
                             {"endpoint", link.endpoint},
                             {"direction", direction(link)},
                             {"way", sent ? "sent" : "received"}},
                            (sent ? link.sent : link.received).*part);
            }
        }
    }

    void lost() {
        out_.family("reflow_peer_lost_messages_total", "counter",
                    "Messages that reached no actor, by reason.");
        for (std::size_t i = 0; i < losses_count; ++i) {
            out_.sample({{"reason", loss_word(static_cast<Loss>(i))}}, status_.lost[i]);
        }
    }

    void messages(const MessageBooks& all) {
        single("reflow_peer_sent_messages_total", "counter",
               "Messages that were given to links, but for outboxes that send again and old peers.",
               all.sent);
        out_.family("reflow_peer_sent_messages_fate_total", "counter",
                    "Of these, those whose fate is known or never will be.");
        out_.sample({{"fate", "delivered"}}, all.delivered);
        out_.sample({{"fate", "refused"}}, all.refused);
        out_.sample({{"fate", "in_doubt"}}, all.in_doubt);
        single("reflow_peer_unconfirmed_messages", "gauge",
               "Of these, those that the other side has not told of yet.", all.unconfirmed);
    }

    void outbox(const OutboxStatus& all) {
        single("reflow_peer_outbox_accepted_messages_total", "counter",
               "Messages that outboxes have taken.", all.accepted);
        single("reflow_peer_outbox_delivered_messages_total", "counter",
               "Messages of outboxes that were confirmed, or given to a link once.", all.delivered);
        single("reflow_peer_outbox_resent_messages_total", "counter",
               "How often messages were sent again.", all.resent);
        single("reflow_peer_outbox_waiting_messages", "gauge", "Messages that wait for a link.",
               all.waiting);
        single("reflow_peer_outbox_unconfirmed_messages", "gauge",
               "Messages sent that the other side has not confirmed.", all.unconfirmed);
        single("reflow_peer_outbox_bytes", "gauge", "Bytes that outboxes hold.", all.bytes);
    }

    Metrics out_;
    const Status& status_;
    Vector<LinkStatus> links_;
};

}  // namespace

String metrics_text(const Status& status) {
    String text;
    Writer(text, status).write();
    return text;
}

}  // namespace reflow::peer
