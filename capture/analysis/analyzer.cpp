// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/analyzer.hpp"

#include "capture/analysis/conformance.hpp"
#include "capture/analysis/directory.hpp"
#include "capture/analysis/flow_history.hpp"
#include "capture/analysis/handovers.hpp"
#include "capture/analysis/light_frame.hpp"
#include "protocol/wire/reassembly.hpp"

#include <algorithm>

namespace roamscope::analysis {

namespace {

/// Files may claim any time. Within this, times can be subtracted and lifetimes added without an overflow.
constexpr Duration farthest{4'000'000'000'000'000'000};

/// Users' data is decoded without fields, for speed; unless something in it must be reported.
bool worthFields(const Observation& o)
{
    if (!o.data || o.frame.error) return true;
    if (const auto* udp = std::get_if<wire::Checked<wire::UdpDatagram>>(&o.frame.message))
        if (udp->checksum == wire::ChecksumVerdict::Bad) return true;
    if (o.frame.violation || wire::lacksChecksum(o.frame)) return true;
    for (const wire::Ipv6Packet& packet : o.frame.packets) {
        if (packet.routing && packet.routing->segmentsLeft != 1) return true;
        const auto homeAddress = [](const wire::Ipv6Option& option) { return option.type == wire::optionHomeAddress; };
        const auto& options = packet.destinationOptions;
        const auto count = std::count_if(options.begin(), options.end(), homeAddress);
        if (count > 1 || (count == 1 && !packet.homeAddress())) return true;
    }
    return false;
}

/// A copy of a message that was judged where it was seen first.
bool isCopy(const Signal& signal)
{
    return signal.kind == Signal::Kind::UpdateAgain || signal.kind == Signal::Kind::AnswerAgain || signal.kind == Signal::Kind::UnmatchedAgain;
}

}  // namespace

class Analyzer::State {
public:
    explicit State(capture::DecodeSettings settings) : settings_(std::move(settings)) {}

    TimePoint begin(const capture::FrameView& view, const capture::TraceLink& link)
    {
        cached_.reset();
        ++frames_;
        const TimePoint time = std::clamp(view.time, TimePoint{-farthest}, TimePoint{farthest});
        end_ = std::max(end_, time);
        if (links_.find(view.link) == links_.end()) links_.emplace(view.link, link.name);
        return time;
    }

    /// Users' data goes through the same trackers as everything else, with less decoding.
    bool addLight(FrameIndex index, const capture::FrameView& view, const capture::TraceLink& link, const capture::FrameRow& row)
    {
        if (!readLight(view, link.linkType, row, light_)) return false;
        const Observation o{index, begin(view, link), view.link, light_, true};
        flows_.add(o, presence_.add(o), mobiles_, presence_);
        directory_.addData(o, mobiles_);
        return true;
    }

    void add(FrameIndex index, const capture::FrameView& view, const capture::TraceLink& link)
    {
        const TimePoint time = begin(view, link);
        wire::DecodeContext context = settings_.context();
        wire::DecodedFrame frame = wire::decodeFrame(view.bytes, link.linkType, view.originalLength, nullptr, context);
        const wire::Reassembler::Outcome pieces = frame.fragment ? reassemble(index, view, frame) : wire::Reassembler::Outcome{};
        if (pieces.datagram) {
            context.whole = &*pieces.datagram;
            frame = wire::decodeFrame(view.bytes, link.linkType, view.originalLength, nullptr, context);
        }
        if (frame.cut) ++cutFrames_;
        if (frame.encrypted && frame.upper == wire::protocol::esp) ++encryptedFrames_;
        if (frame.error && frame.error->code != ErrorCode::Unsupported && !frame.cut) ++malformedFrames_;
        const Observation o{index, time, view.link, frame, isData(frame)};
        const Movement movement = presence_.add(o);
        noteArp(view, frame);
        flows_.add(o, movement, mobiles_, presence_);
        if (const auto* advertisement = frame.as<wire::RouterAdvertisement>()) conformance_.addAdvertisement(*advertisement, o.link);
        std::optional<Signal> signal;
        if (o.data) directory_.addData(o, mobiles_);
        else signal = exchanges_.add(o);
        if (!worthFields(o) || (signal && isCopy(*signal))) return;

        wire::FieldSink sink;
        static_cast<void>(wire::decodeFrame(view.bytes, link.linkType, view.originalLength, &sink, context));
        conformance_.addFrame(index, sink.findings());
        noteDialects(index, sink.nodes());
        bindings_.revoke(o);
        if (!signal) return;
        conformance_.addSignal(*signal, o, sink.nodes(), exchanges_, bindings_, mobiles_);
        bindings_.add(*signal, exchanges_, o);
        flowBindings_.add(*signal, exchanges_, o);
        mobiles_.add(*signal, presence_, o);
        directory_.addSignal(*signal, o);
    }

    std::vector<TraceFinding> takeFindings()
    {
        cached_.reset();
        return conformance_.takeFindings();
    }

    std::shared_ptr<const Analysis> result() const
    {
        if (cached_) return cached_;
        auto out = std::make_shared<Analysis>();
        out->bindings = bindings_.intervals(end_);
        out->flowBindings = flowBindings_.intervals();
        out->identifierAnswers = bindings_.answers();
        out->networks = bindings_.networks();
        conclude(*out);
        out->exchanges = exchanges_.exchanges();
        namePaths(*out);
        out->findings = conformance_.findings();
        out->acknowledgements = exchanges_.acknowledgements();
        cached_ = out;
        return out;
    }

    /// What is large is handed over, and what is not needed any more given back before the next part is made.
    std::shared_ptr<const Analysis> finish()
    {
        if (cached_) return std::move(cached_);
        exchanges_.forgetSightings();
        auto out = std::make_shared<Analysis>();
        out->findings = conformance_.takeFindings();
        out->acknowledgements = exchanges_.acknowledgements();
        out->bindings = bindings_.take(end_);
        out->flowBindings = flowBindings_.take();
        out->identifierAnswers = bindings_.answers();
        out->networks = bindings_.networks();
        conclude(*out);
        namePaths(*out);
        mobiles_ = {};
        presence_ = {};
        flows_ = {};
        directory_ = {};
        out->exchanges = exchanges_.takeExchanges();
        return out;
    }

    [[nodiscard]] std::size_t exchanges() const { return exchanges_.exchanges().size(); }

private:
    /// All that is not simply what a tracker holds, but for bindings and what was answered about identifiers, which must be there.
    void conclude(Analysis& out) const
    {
        const HandoverSources sources{mobiles_, exchanges_.exchanges(), presence_, flows_, links_, out.bindings, out.identifierAnswers, end_};
        out.frames = frames_;
        out.cutFrames = cutFrames_;
        out.encryptedFrames = encryptedFrames_;
        out.malformedFrames = malformedFrames_;
        out.nodes = directory_.nodes(mobiles_, presence_);
        out.handovers = buildHandovers(sources);
        out.flows = flows_.flows(mobiles_, presence_, end_);
        out.attachments = buildAttachments(sources);
        out.findingsDropped = conformance_.dropped();
        out.dialects = dialects_;
    }

    /// The identifiers of the paths of flows, as they were registered last.
    static void namePaths(Analysis& out)
    {
        std::unordered_map<Ipv6Address, std::uint16_t> bids;
        for (const BindingInterval& binding : out.bindings)
            if (binding.bid) bids[binding.careOfAddress] = *binding.bid;
        if (bids.empty()) return;
        for (Flow& flow : out.flows)
            for (FlowPath& path : flow.paths)
                if (const auto it = bids.find(path.careOfAddress); it != bids.end()) path.bid = it->second;
    }

    /// The whole that this piece completes; pieces that contradict each other are reported.
    wire::Reassembler::Outcome reassemble(FrameIndex index, const capture::FrameView& view, const wire::DecodedFrame& frame)
    {
        auto outcome = reassembler_.add({index + 1, view.time, view.link}, view.bytes, frame);
        if (outcome.finding) conformance_.addFrame(index, {*outcome.finding});
        return outcome;
    }

    /// Who has which IPv4 address on its link.
    void noteArp(const capture::FrameView& view, const wire::DecodedFrame& frame)
    {
        if (frame.etherType != wire::etherTypeArp || frame.undecodedOffset > view.bytes.size()) return;
        const auto message = wire::parseArp(view.bytes.subspan(frame.undecodedOffset));
        if (message && frame.ethernet && message->senderMac == frame.ethernet->source) presence_.add(*message);
    }

    /// What messages were read as something else than the RFCs have, and why. Names and reasons are few.
    void noteDialects(FrameIndex index, const std::vector<wire::FieldNode>& nodes)
    {
        constexpr std::size_t most = 100;
        for (const wire::FieldNode& node : nodes) {
            if (node.field != wire::FieldId::Dialect) continue;
            const auto* name = std::get_if<std::string>(&node.value);
            if (name == nullptr) continue;
            const auto known = std::find_if(dialects_.begin(), dialects_.end(), [&](const DialectEvidence& e) { return e.name == *name && e.reason == node.text; });
            if (known != dialects_.end()) ++known->count;
            else if (dialects_.size() < most) dialects_.push_back({*name, node.text, 1, index});
        }
    }

    capture::DecodeSettings settings_;
    wire::DecodedFrame light_;  ///< of addLight(), kept for its memory
    std::vector<DialectEvidence> dialects_;
    wire::Reassembler reassembler_;
    std::size_t frames_ = 0;
    std::uint64_t cutFrames_ = 0;
    std::uint64_t encryptedFrames_ = 0;
    std::uint64_t malformedFrames_ = 0;
    TimePoint end_{};
    std::unordered_map<std::uint32_t, std::string> links_;
    Presence presence_;
    ExchangeTracker exchanges_;
    BindingHistory bindings_;
    FlowHistory flowBindings_;
    Mobiles mobiles_;
    Directory directory_;
    FlowTracker flows_;
    Conformance conformance_;
    mutable std::shared_ptr<const Analysis> cached_;
};

Analyzer::Analyzer(capture::DecodeSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}
Analyzer::~Analyzer() = default;
Analyzer::Analyzer(Analyzer&&) noexcept = default;
Analyzer& Analyzer::operator=(Analyzer&&) noexcept = default;

void Analyzer::add(FrameIndex index, const capture::FrameView& frame, const capture::TraceLink& link) { state_->add(index, frame, link); }
void Analyzer::add(FrameIndex index, const capture::FrameView& frame, const capture::TraceLink& link, const capture::FrameRow& row)
{
    if (!state_->addLight(index, frame, link, row)) state_->add(index, frame, link);
}
std::vector<TraceFinding> Analyzer::takeFindings() { return state_->takeFindings(); }
std::shared_ptr<const Analysis> Analyzer::result() const { return state_->result(); }
std::shared_ptr<const Analysis> Analyzer::finish() { return state_->finish(); }
std::size_t Analyzer::exchanges() const { return state_->exchanges(); }

}  // namespace roamscope::analysis
