// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/run/trace_worker.hpp"

#include "capture/analysis/analyzer.hpp"
#include "capture/io/pcapng_file.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace roamscope::capture {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto firstPublish = 20ms;    // enough for some screens full of rows
constexpr auto shortestInterval = 33ms;
constexpr int costShare = 10;          // publishing may take a tenth of the time
constexpr auto writeInterval = 50ms;
constexpr auto longestWait = 100ms;    // how late a wish to stop is noticed
constexpr int framesBetweenLooks = 32;

/// Differences between hostile stamps stay inside 64 bits.
TimePoint since(std::int64_t start, std::int64_t utc)
{
    std::int64_t difference = 0;
    using Limits = std::numeric_limits<std::int64_t>;
    if (__builtin_sub_overflow(utc, start, &difference)) difference = utc < start ? Limits::min() : Limits::max();
    return atNanoseconds(difference);
}

class FileSource final : public TraceSource {
public:
    explicit FileSource(CaptureReader reader) : reader_(std::move(reader)) {}
    Result<Read> next(CaptureRecord& out, Duration wait) override { return reader_.next(out, wait); }
    const std::vector<TraceLink>& links() const override { return reader_.links(); }
    double progress() const override { return reader_.progress(); }
    std::vector<std::uint64_t> dropped() const override { return reader_.dropped(); }

private:
    CaptureReader reader_;
};

class MailboxSource final : public TraceSource {
public:
    MailboxSource(std::shared_ptr<FrameMailbox> mailbox, std::vector<TraceLink> links, std::int64_t startUtc, Duration duration)
        : mailbox_(std::move(mailbox)), links_(std::move(links)), startUtc_(startUtc), duration_(duration)
    {
    }
    // A worker that stopped takes nothing any more: whoever waits for room must not wait for ever.
    ~MailboxSource() override { mailbox_->close(); }
    MailboxSource(const MailboxSource&) = delete;
    MailboxSource& operator=(const MailboxSource&) = delete;

    Result<Read> next(CaptureRecord& out, Duration wait) override
    {
        if (taken_.empty()) taken_ = mailbox_->take(wait);
        if (taken_.empty()) return mailbox_->finished() ? Read::End : Read::Pending;
        current_ = std::move(taken_.front());
        taken_.pop_front();
        last_ = std::max(last_, current_.time.time_since_epoch());
        out = {startUtc_ + toNanoseconds(current_.time), current_.link, current_.originalLength, current_.bytes};
        return Read::Frame;
    }
    const std::vector<TraceLink>& links() const override { return links_; }
    std::optional<std::int64_t> startUtc() const override { return startUtc_; }
    double progress() const override { return duration_.count() > 0 ? std::clamp(toSeconds(last_) / toSeconds(duration_), 0.0, 1.0) : 0; }
    std::vector<std::uint64_t> dropped() const override { return {mailbox_->dropped()}; }

private:
    std::shared_ptr<FrameMailbox> mailbox_;
    std::vector<TraceLink> links_;
    std::int64_t startUtc_;
    Duration duration_;
    Duration last_{0};
    std::deque<LiveFrame> taken_;
    LiveFrame current_;
};

View emptyView()
{
    View view;
    view.analysis = std::make_shared<const analysis::Analysis>();
    return view;
}

}  // namespace

std::unique_ptr<TraceSource> makeFileSource(CaptureReader reader) { return std::make_unique<FileSource>(std::move(reader)); }

std::unique_ptr<TraceSource> makeMailboxSource(std::shared_ptr<FrameMailbox> mailbox, std::vector<TraceLink> links, std::int64_t startUtc, Duration duration)
{
    return std::make_unique<MailboxSource>(std::move(mailbox), std::move(links), startUtc, duration);
}

/// What the thread works on. Lives in the thread's function.
class TraceWorker::Job {
public:
    Job(TraceWorker& worker, std::unique_ptr<TraceSource> source, const std::string& writePath) : worker_(worker), source_(std::move(source))
    {
        if (writePath.empty()) return;
        auto writer = PcapngWriter::create(writePath);
        if (writer) writer_ = std::move(*writer);
        else problem_ = writer.error();
    }

    void run(const std::stop_token& stop)
    {
        nextPublish_ = Clock::now() + firstPublish;
        if (source_->startUtc()) trace_.setStartUtc(*source_->startUtc());
        addLinks();
        CaptureRecord record;
        for (int sinceLook = 0; !stop.stop_requested();) {
            const auto read = source_->next(record, waitTime());
            if (!read) problem_ = read.error();
            if (!read || *read == Read::End) break;
            if (*read == Read::Frame) take(record);
            if (*read == Read::Frame && ++sinceLook < framesBetweenLooks) continue;
            sinceLook = 0;
            look();
        }
        finishWriting();
        publish(true);
    }

private:
    /// Until something is due; a frame that is not shown yet must not wait for the next one.
    [[nodiscard]] Duration waitTime() const
    {
        if (!unpublished_) return longestWait;
        return std::clamp<Duration>(std::min(nextPublish_, nextWrite_) - Clock::now(), 1ms, longestWait);
    }

    void addLinks()
    {
        const auto& links = source_->links();
        for (; links_ < links.size(); ++links_) {
            trace_.addLink(links[links_]);
            if (writer_) checked(writer_->addLink(links[links_]));
        }
    }

    void take(const CaptureRecord& record)
    {
        addLinks();
        if (record.link >= links_) return;
        if (trace_.size() == 0 && !source_->startUtc()) trace_.setStartUtc(record.utc);
        if (trace_.size() == 0) startUtc_ = source_->startUtc().value_or(record.utc);
        const FrameView frame{since(startUtc_, record.utc), record.link, record.originalLength, record.bytes};
        analyzer_.add(static_cast<analysis::FrameIndex>(trace_.size()), frame, source_->links()[record.link]);
        trace_.append(frame.time, frame.link, frame.bytes, frame.originalLength);
        if (writer_) checked(writer_->write(record.link, record.utc, record.bytes, record.originalLength));
        unpublished_ = true;
    }

    void look()
    {
        const auto now = Clock::now();
        if (writer_ && now >= nextWrite_) {
            checked(writer_->flush());
            nextWrite_ = now + writeInterval;
        }
        if (unpublished_ && now >= nextPublish_) publish(false);
    }

    void publish(bool complete)
    {
        const auto begin = Clock::now();
        View view;
        view.trace = trace_.snapshot();
        view.analysis = analyzer_.result();
        view.revision = ++revision_;
        view.complete = complete;
        view.progress = complete ? 1 : source_->progress();
        view.problem = problem_;
        const auto dropped = source_->dropped();
        view.dropped = std::accumulate(dropped.begin(), dropped.end(), std::uint64_t{0});
        worker_.dropped_.set(dropped);
        worker_.view_.set(std::move(view));
        const auto end = Clock::now();
        nextPublish_ = end + std::max<Clock::duration>(shortestInterval, (end - begin) * costShare);
        unpublished_ = false;
    }

    void finishWriting()
    {
        if (writer_) checked(writer_->finish(source_->dropped()));
    }

    /// A capture that cannot be written any more goes on in memory; the view says so.
    template <class T>
    void checked(const Result<T>& result)
    {
        if (result) return;
        if (!problem_) problem_ = result.error();
        writer_.reset();
    }

    TraceWorker& worker_;
    std::unique_ptr<TraceSource> source_;
    Trace trace_;
    analysis::Analyzer analyzer_;
    std::optional<PcapngWriter> writer_;
    std::optional<Error> problem_;
    std::size_t links_ = 0;
    std::int64_t startUtc_ = 0;
    std::uint64_t revision_ = 0;
    bool unpublished_ = false;
    Clock::time_point nextPublish_;
    Clock::time_point nextWrite_;
};

TraceWorker::TraceWorker(std::unique_ptr<TraceSource> source, std::string writePath) : view_(emptyView()), dropped_({})
{
    thread_ = std::jthread([this, path = std::move(writePath), from = std::move(source)](const std::stop_token& stop) mutable {
        Job(*this, std::move(from), path).run(stop);
    });
}

TraceWorker::~TraceWorker() { stop(); }

void TraceWorker::stop()
{
    thread_.request_stop();
    wait();
}

void TraceWorker::wait()
{
    if (thread_.joinable()) thread_.join();
}

Result<void> TraceWorker::save(const std::string& path) const { return saveTrace(view_.get().trace, dropped_.get(), path); }

}  // namespace roamscope::capture
