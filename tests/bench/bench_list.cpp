// SPDX-License-Identifier: GPL-3.0-or-later
// What the list of frames costs, printed beside its goals; nothing here passes or fails.
//   QT_QPA_PLATFORM=offscreen bench_list FILE     FILE: plain capture, e.g. of gen --mix data --frames 10000000
// Paints the real widget: jumps to any row, scrolling page by page, the same while 200 000 frames a second come in behind the
// frames of the file (read from its start once more), and while the file is being indexed and analysed.
#include "capture/io/plain_reader.hpp"
#include "capture/run/trace_index.hpp"
#include "ui/view/main_window.hpp"
#include "ui/view/packet_list.hpp"

#include <QApplication>
#include <QElapsedTimer>
#include <QScrollBar>
#include <QWindow>

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <random>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

constexpr std::size_t liveRows = 3200;  ///< in one screen refresh at 200 000 a second

/// A session that grows when it is told to, by the same rows as a file that is opened.
class GrowingSession final : public Session {
public:
    explicit GrowingSession(const std::string& path) : path_(path)
    {
        restart();
        while (readPiece()) {}
        publish();
    }

    void grow(std::size_t rows)
    {
        for (const std::size_t wanted = index_->trace().size() + rows; index_->trace().size() < wanted;)
            if (!readPiece()) restart();
        publish();
    }

    View view() const override { return view_; }
    const lab::Scenario* scenario() const override { return nullptr; }
    LabControl* lab() override { return nullptr; }
    void stop() override {}
    void setDecoding(DecodeSettings) override {}
    Result<void> save(const std::string&) const override { return {}; }

private:
    void restart()
    {
        auto reader = CaptureReader::open(path_);
        auto plain = reader ? reader->takePlain() : std::nullopt;
        if (!plain) std::fprintf(stderr, "%s: no plain capture\n", path_.c_str()), std::exit(1);
        if (!index_) octets_ = std::make_shared<FileOctets>(plain->file.duplicate(), path_);
        if (!index_) index_ = std::make_unique<TraceIndex>(octets_, 1'700'000'000'000'000'000);
        reader_.emplace(std::move(*plain));
    }
    bool readPiece()
    {
        part_.clear();
        const auto read = reader_->read([this](const CaptureRecord& record, std::uint64_t place) {
            part_.add(record, place, reader_->links()[record.link].linkType, 1'700'000'000'000'000'000);
        });
        if (!read || *read != Read::Frame) return false;
        index_->addLinks(reader_->links());
        index_->append(part_);
        return true;
    }
    void publish()
    {
        view_.trace = index_->trace().snapshot();
        view_.summary = std::make_shared<const IndexSummary>(index_->summary());
        if (!view_.analysis) view_.analysis = std::make_shared<const analysis::Analysis>();
        ++view_.revision;
    }

    std::string path_;
    std::shared_ptr<FileOctets> octets_;
    std::unique_ptr<TraceIndex> index_;
    std::optional<PlainReader> reader_;
    IndexPart part_;
    View view_;
};

class Times {
public:
    template <class Work>
    void measure(Work work)
    {
        QElapsedTimer clock;
        clock.start();
        work();
        values_.push_back(static_cast<double>(clock.nsecsElapsed()) / 1e6);
    }
    [[nodiscard]] double worst() const { return *std::max_element(values_.begin(), values_.end()); }
    void print(const char* what)
    {
        std::sort(values_.begin(), values_.end());
        std::printf("%-52s median %6.2f ms   p95 %6.2f   p99 %6.2f   worst %6.2f   (goal: 16)\n", what, values_[values_.size() / 2], values_[values_.size() * 95 / 100],
                    values_[values_.size() * 99 / 100], values_.back());
    }

private:
    std::vector<double> values_;
};

struct Bench {
    ui::Workspace workspace;
    ui::FilterModel filter{workspace};
    ui::PacketList list{workspace, filter};
    std::mt19937_64 random{1};

    Bench()
    {
        list.resize(1200, 800);
        list.show();
        while (!list.windowHandle() || !list.windowHandle()->isExposed()) QCoreApplication::processEvents();
    }
    void jump()
    {
        list.verticalScrollBar()->setValue(static_cast<int>(random() % list.rows()));
        list.viewport()->repaint();
    }
    void page()
    {
        list.verticalScrollBar()->setValue(list.verticalScrollBar()->value() + list.visibleRows());
        list.viewport()->repaint();
    }
};

void whileGrowing(const std::string& path)
{
    Bench b;
    auto made = std::make_unique<GrowingSession>(path);
    GrowingSession& session = *made;
    b.workspace.setSession(std::move(made));
    std::printf("%zu rows, %d of them visible\n", b.list.rows(), b.list.visibleRows());
    Times jumps;
    Times pages;
    Times ends;
    Times liveJumps;
    for (int i = 0; i < 300; ++i) jumps.measure([&] { b.jump(); });
    for (int i = 0; i < 300; ++i) pages.measure([&] { b.page(); });
    for (int i = 0; i < 300; ++i) {
        session.grow(liveRows);
        ends.measure([&] {
            b.workspace.poll();
            b.list.verticalScrollBar()->setValue(b.list.verticalScrollBar()->maximum());
            b.list.viewport()->repaint();
        });
    }
    for (int i = 0; i < 300; ++i) {
        session.grow(liveRows);
        liveJumps.measure([&] {
            b.workspace.poll();
            b.jump();
        });
    }
    jumps.print("jump to any row");
    pages.print("one page further");
    ends.print("200 000 new rows a second, at the end");
    liveJumps.print("200 000 new rows a second, jumping anywhere");
}

void whileIndexing(const std::string& path)
{
    Bench b;
    QElapsedTimer sinceOpen;
    sinceOpen.start();
    auto session = openCapture(path, false, false);
    if (!session) return;
    b.workspace.setSession(std::move(*session));
    double first = 0;
    Times jumps;
    while (!b.workspace.view().indexed) {
        QCoreApplication::processEvents(QEventLoop::AllEvents, 5);
        if (b.list.rows() == 0) continue;
        if (first == 0) {
            b.list.viewport()->repaint();
            first = static_cast<double>(sinceOpen.nsecsElapsed()) / 1e6;
        }
        jumps.measure([&] {
            b.workspace.poll();
            b.jump();
        });
    }
    std::printf("%-52s %6.1f ms   (goal: 200)\n", "first rows painted after", first);
    if (first > 0) jumps.print("jump to any row while the file is indexed");
    b.workspace.setSession(nullptr);
}

/// With the names that the analysis found, and while it publishes more of them.
void whileAnalysing(const std::string& path)
{
    Bench b;
    auto session = openCapture(path);
    if (!session) return;
    b.workspace.setSession(std::move(*session));
    Times busy;
    Times jumps;
    while (!b.workspace.view().complete) {
        QCoreApplication::processEvents(QEventLoop::AllEvents, 5);
        if (!b.workspace.view().indexed) continue;
        busy.measure([&] {
            b.workspace.poll();
            b.jump();
        });
    }
    for (int i = 0; i < 300; ++i) jumps.measure([&] { b.jump(); });
    busy.print("jump to any row while the file is analysed");
    jumps.print("jump to any row, with names");
    b.workspace.setSession(nullptr);
}

/// The whole window, with every view in it: the longest time that it does not answer while a file comes in.
void wholeWindow(const std::string& path)
{
    ui::MainWindow window({[](const std::string& file, bool follow) { return openCapture(file, follow); }, {}, {}, {}, QString()});
    window.show();
    window.openCapture(QString::fromStdString(path));
    const auto turn = [](QEventLoop::ProcessEventsFlags flags) { QCoreApplication::processEvents(flags); };
    Times busy;
    QElapsedTimer sinceComplete;
    while (!sinceComplete.isValid() || sinceComplete.elapsed() < 2000) {
        busy.measure([&] { turn(QEventLoop::AllEvents); });
        if (window.workspace().view().complete && !sinceComplete.isValid()) sinceComplete.start();
    }
    Times jumps;
    std::mt19937_64 random{1};
    const std::size_t frames = window.workspace().view().trace.size();
    for (int i = 0; i < 300; ++i)
        jumps.measure([&] {
            window.workspace().goToFrame(random() % frames);
            turn(QEventLoop::AllEvents);
        });
    std::printf("%-52s worst %6.2f ms   (goal: 16)\n", "the whole window while it opens, one turn", busy.worst());
    jumps.print("the whole window, cursor to any frame");
}

}  // namespace

int main(int argc, char** argv)
{
    const QApplication application(argc, argv);
    if (argc != 2) return std::fprintf(stderr, "usage: bench_list FILE\n"), 2;
    whileGrowing(argv[1]);
    whileIndexing(argv[1]);
    whileAnalysing(argv[1]);
    wholeWindow(argv[1]);
    return 0;
}
