// SPDX-License-Identifier: GPL-3.0-or-later
// A session over a capture file.
#include "capture/run/trace_worker.hpp"

namespace roamscope::capture {

namespace {

class FileSession final : public Session {
public:
    FileSession(CaptureReader reader, TraceWorker::Options options) : worker_(std::move(reader), std::move(options)) {}

    View view() const override { return worker_.view(); }
    const lab::Scenario* scenario() const override { return nullptr; }
    LabControl* lab() override { return nullptr; }
    void stop() override { worker_.stop(); }
    void setDecoding(DecodeSettings settings) override { worker_.setDecoding(std::move(settings)); }
    Result<void> save(const std::string& path) const override { return save(worker_.view(), path); }

private:
    Result<void> save(const View& view, const std::string& path) const { return saveTrace(view.trace, worker_.dropped(), path, *view.notes); }

    TraceWorker worker_;
};

}  // namespace

Result<std::unique_ptr<Session>> openCapture(const std::string& path, bool follow, bool analyse)
{
    auto reader = follow ? CaptureReader::follow(path) : CaptureReader::open(path);
    if (!reader) return tl::unexpected(reader.error());
    TraceWorker::Options work;
    work.analyse = analyse;
    return std::make_unique<FileSession>(std::move(*reader), std::move(work));
}

}  // namespace roamscope::capture
