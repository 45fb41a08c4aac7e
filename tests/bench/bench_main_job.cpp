// SPDX-License-Identifier: GPL-3.0-or-later
// The figures of the main job, printed beside their goals; nothing here passes or fails, these machines are noisy.
//   bench_main_job            CPU of the sample in virtual time, first packet in the window
//   bench_main_job --tap      also the lateness of a real-time run over TAP interfaces (takes the scenario's 20 s)
#include "capture/io/machine_check.hpp"
#include "capture/io/key_file.hpp"
#include "capture/io/scenario_file.hpp"
#include "capture/run/session.hpp"
#include "ui/view/main_window.hpp"

#include <QApplication>
#include <QElapsedTimer>
#include <QTemporaryDir>

#include <algorithm>
#include <cstdio>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

using namespace roamscope;

extern char** environ;

namespace {

const std::string sample = ROAMSCOPE_SOURCE_DIR "/resources/scenarios/intra-map-handover.json";

/// User and system CPU seconds of one child process.
double cpuOf(const std::vector<std::string>& command)
{
    std::vector<char*> arguments;
    for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
    pid_t child = 0;
    const int error = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return -1;
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    if (status != 0) return -1;
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void virtualCpu()
{
    const QTemporaryDir folder;
    const std::string out = folder.filePath("sample.pcapng").toStdString();
    std::vector<double> runs;
    for (int i = 0; i < 9; ++i) runs.push_back(cpuOf({ROAMSCOPE_BIN_DIR "/roamscope-cli", "run", sample, "-w", out}));
    std::sort(runs.begin(), runs.end());
    std::printf("20 s sample, virtual, start to written pcapng: CPU median %.3f s, worst of %zu %.3f s   (goal: at most 0.5 s)\n", runs[runs.size() / 2],
                runs.size(), runs.back());
}

void firstPacket()
{
    QElapsedTimer clock;
    clock.start();
    ui::MainWindow window({[](const std::string& path, bool follow) { return capture::openCapture(path, follow); },
                           [](capture::LabOptions lab) { return capture::startLab(std::move(lab)); },
                           [](const std::string& path) { return capture::loadScenario(path); }, [](const std::string& path) { return capture::loadKeys(path); }, QString()});
    window.show();
    if (!window.openScenario(QString::fromStdString(sample), true, capture::Backend::Virtual)) return;
    while (window.packets()->rowText(0).isEmpty() && clock.elapsed() < 10000) QCoreApplication::processEvents(QEventLoop::AllEvents, 5);
    std::printf("first packet in the window after %lld ms   (goal: at most 1000 ms)\n", static_cast<long long>(clock.elapsed()));
}

void tapLateness()
{
    if (const auto available = capture::tapBackendAvailable(); !available) {
        std::printf("TAP: skipped. %s\n", available.error().text.c_str());
        return;
    }
    capture::LabOptions options;
    options.scenario = capture::loadScenario(sample).value();
    options.backend = capture::Backend::Tap;
    const auto session = capture::startLab(std::move(options));
    if (!session) return;
    while (!(*session)->view().complete) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const capture::LabStatus status = (*session)->lab()->status();
    std::printf("TAP, 20 s in real time: latest event %.3f ms behind its time, %llu events over 5 ms   (goal on an idle machine: none over 5 ms)\n",
                toSeconds(status.latenessMax) * 1e3, static_cast<unsigned long long>(status.lateEvents));
}

}  // namespace

int main(int argc, char** argv)
{
    const QApplication application(argc, argv);
    virtualCpu();
    firstPacket();
    if (argc > 1 && std::string(argv[1]) == "--tap") tapLateness();
}
