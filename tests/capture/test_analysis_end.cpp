// SPDX-License-Identifier: GPL-3.0-or-later
// At the end of a capture the analysis hands over what it holds instead of copying it, and a large file's results are shown
// when they are whole: neither may change a result.
#include "capture/io/report_output.hpp"
#include "capture/run/session.hpp"
#include "protocol/lab/lab.hpp"
#include "tests/support/pcap_writer.hpp"
#include "tests/support/registrations.hpp"
#include "tests/support/sample_scenario.hpp"

#include <QTemporaryDir>
#include <QtTest>

#include <thread>

using namespace roamscope;

namespace {

constexpr std::uint32_t exchanges = 6'000;

}  // namespace

class TestAnalysisEnd : public QObject {
    Q_OBJECT

private slots:
    void whatIsHandedOverIsWhatWasCopied()
    {
        const lab::Scenario scenario = test::sampleScenario();
        auto lab = lab::Lab::build(scenario, scenario.seed, lab::Segments::Internal);
        QVERIFY(lab);
        lab::LabOutput out;
        lab->advanceTo(TimePoint{scenario.duration}, out);
        capture::View view;
        capture::Trace trace;
        for (const lab::LinkSpec& link : scenario.links) trace.addLink({link.name, 1});
        for (const lab::SegmentFrame& frame : out.frames) trace.append(frame.time, static_cast<std::uint32_t>(frame.link), frame.bytes, static_cast<std::uint32_t>(frame.bytes.size()));
        view.trace = trace.snapshot();
        analysis::Analyzer copied;
        analysis::Analyzer ended;
        for (std::size_t i = 0; i < view.trace.size(); ++i) {
            const capture::FrameView frame = view.trace.frame(i);
            for (analysis::Analyzer* analyzer : {&copied, &ended}) analyzer->add(static_cast<analysis::FrameIndex>(i), frame, view.trace.links()[frame.link], view.trace.row(i));
        }
        QVERIFY(copied.exchanges() > 0);
        const auto before = copied.result();
        const auto after = ended.finish();
        view.analysis = before;
        const std::string report = capture::reportJson(*before, view);
        QCOMPARE(capture::reportJson(*after, view), report);
        QVERIFY(before->acknowledgements == after->acknowledgements && !after->acknowledgements.empty());
        QVERIFY(!after->bindings.empty() && !after->exchanges.empty() && !after->handovers.empty());
        // Also when the last state was asked for already.
        QCOMPARE(capture::reportJson(*copied.finish(), view), report);
    }

    void aLargeFileIsAnalysedToItsEnd()
    {
        const QTemporaryDir folder;
        const QString path = folder.filePath("registrations.pcap");
        QVERIFY(test::writePcap(path, test::registrations(exchanges), wire::linkRawIpv6));
        const auto session = capture::openCapture(path.toStdString());
        QVERIFY(session);
        while (!(*session)->view().complete) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const capture::View view = (*session)->view();
        QCOMPARE(view.analysisProgress, 1.0);
        QCOMPARE(view.analysis->frames, std::size_t{2 * exchanges});
        QCOMPARE(view.analysis->exchanges.size(), std::size_t{exchanges});
        QCOMPARE(view.analysis->acknowledgements.size(), std::size_t{exchanges});
        for (const analysis::Exchange& exchange : view.analysis->exchanges) QVERIFY(exchange.answer.has_value());
    }
};

QTEST_APPLESS_MAIN(TestAnalysisEnd)
#include "test_analysis_end.moc"
