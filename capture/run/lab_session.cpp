// SPDX-License-Identifier: GPL-3.0-or-later
// A session over a running lab: the runner makes frames (virtual) or the helper captures them (TAP), the worker keeps them.
#include "capture/io/pcapng_blocks.hpp"
#include "capture/run/lab_runner.hpp"
#include "capture/run/trace_worker.hpp"

namespace roamscope::capture {

namespace {

class LabSession final : public Session {
public:
    static Result<std::unique_ptr<Session>> start(LabOptions options)
    {
        std::unique_ptr<LabSession> session(new LabSession);
        TraceWorker::Options work;
        work.progress = [self = session.get()] { return self->progress(); };
        if (!options.writePath.empty()) {
            auto writer = PcapngWriter::create(options.writePath);
            if (!writer) return tl::unexpected(writer.error());
            work.writer.emplace(std::move(*writer));
        }
        const bool tap = options.backend == Backend::Tap;
        if (!tap) {
            work.startUtc = virtualStartUtc;
            std::vector<TraceLink> links;
            for (const lab::LinkSpec& link : options.scenario.links) links.push_back({link.name, linkTypeEthernet});
            session->worker_ = std::make_unique<TraceWorker>(std::move(links), std::move(work));
        }
        const RunSink sink{[self = session.get()](auto&& frames) { self->worker_->push(std::move(frames)); },
                           [self = session.get(), tap] {
                               if (!tap) self->worker_->close();
                           }};
        auto runner = LabRunner::start(std::move(options), sink);
        if (!runner) return tl::unexpected(runner.error());
        {
            const std::lock_guard lock(session->mutex_);
            session->runner_ = std::move(*runner);
        }
        if (tap) {
            work.startUtc = session->runner_->startUtc();
            session->worker_ = std::make_unique<TraceWorker>(
                CaptureReader::adopt(session->runner_->takeCapture().release(), "the capture of the lab"), std::move(work));
        }
        return session;
    }

    ~LabSession() override
    {
        // A runner that waits for room in the box is let go first.
        if (runner_) runner_->stop();
        if (worker_) worker_->stop();
    }

    View view() const override { return worker_->view(); }
    const lab::Scenario* scenario() const override { return &runner_->scenario(); }
    LabControl* lab() override { return runner_.get(); }
    void stop() override { runner_->stop(); }
    void setDecoding(DecodeSettings settings) override { worker_->setDecoding(std::move(settings)); }
    Result<void> save(const std::string& path) const override { return saveTrace(worker_->view().trace, worker_->dropped(), path); }

private:
    LabSession() = default;

    double progress() const
    {
        const std::lock_guard lock(mutex_);
        if (!runner_) return 0;
        const LabStatus status = runner_->status();
        return status.duration.count() > 0 ? toSeconds(status.now) / toSeconds(status.duration) : 0;
    }

    mutable std::mutex mutex_;  ///< the worker asks for progress while the runner is still being made
    std::unique_ptr<TraceWorker> worker_;
    std::unique_ptr<LabRunner> runner_;  ///< destroyed first: it pushes into the worker
};

}  // namespace

Result<std::unique_ptr<Session>> startLab(LabOptions options) { return LabSession::start(std::move(options)); }

}  // namespace roamscope::capture
