// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/analyzer.hpp"

#include "capture/analysis/binding_history.hpp"
#include "capture/analysis/directory.hpp"

#include <algorithm>

namespace roamscope::analysis {

class Analyzer::State {
public:
    void add(FrameIndex index, const capture::FrameView& view, const capture::TraceLink& link)
    {
        cached_.reset();
        ++frames_;
        end_ = std::max(end_, view.time);
        if (const auto it = links_.find(view.link); it == links_.end()) links_.emplace(view.link, link.name);

        const wire::DecodedFrame frame = wire::decodeFrame(view.bytes, link.linkType, view.originalLength);
        const Observation o{index, view.time, view.link, frame, isData(frame)};
        presence_.add(o);
        if (o.data) directory_.addData(o, mobiles_);
        else if (const auto signal = exchanges_.add(o)) signalling(*signal, o);
    }

    std::shared_ptr<const Analysis> result() const
    {
        if (cached_) return cached_;
        auto out = std::make_shared<Analysis>();
        out->frames = frames_;
        out->nodes = directory_.nodes(mobiles_, presence_);
        out->bindings = bindings_.intervals(end_);
        for (const ExchangeRecord& record : exchanges_.records()) out->exchanges.push_back(record.value);
        out->acknowledgements = exchanges_.acknowledgements();
        cached_ = out;
        return out;
    }

private:
    void signalling(const Signal& signal, const Observation& o)
    {
        bindings_.add(signal, exchanges_, o);
        mobiles_.add(signal, presence_, o);
        directory_.addSignal(signal, o);
    }

    std::size_t frames_ = 0;
    TimePoint end_{};
    std::unordered_map<std::uint32_t, std::string> links_;
    Presence presence_;
    ExchangeTracker exchanges_;
    BindingHistory bindings_;
    Mobiles mobiles_;
    Directory directory_;
    mutable std::shared_ptr<const Analysis> cached_;
};

Analyzer::Analyzer() : state_(std::make_unique<State>()) {}
Analyzer::~Analyzer() = default;
Analyzer::Analyzer(Analyzer&&) noexcept = default;
Analyzer& Analyzer::operator=(Analyzer&&) noexcept = default;

void Analyzer::add(FrameIndex index, const capture::FrameView& frame, const capture::TraceLink& link) { state_->add(index, frame, link); }
std::shared_ptr<const Analysis> Analyzer::result() const { return state_->result(); }

}  // namespace roamscope::analysis
