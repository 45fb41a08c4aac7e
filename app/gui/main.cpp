// SPDX-License-Identifier: GPL-3.0-or-later
// The window as a program: reads its options and joins the layers.
#include "capture/io/resources.hpp"
#include "capture/io/scenario_file.hpp"
#include "ui/view/main_window.hpp"

#include <QApplication>
#include <QCommandLineParser>
#include <QTimer>

#include <cstdio>

namespace {

int usageError(const QString& text)
{
    std::fprintf(stderr, "roamscope: %s\n", qPrintable(text));
    return 2;
}

}  // namespace

int main(int argc, char** argv)
{
    using namespace roamscope;

    QApplication application(argc, argv);
    QCoreApplication::setOrganizationName(QStringLiteral("roamscope"));
    QCoreApplication::setApplicationName(QStringLiteral("roamscope"));
    QCoreApplication::setApplicationVersion(QStringLiteral(ROAMSCOPE_VERSION));
    QApplication::setStyle(QStringLiteral("Fusion"));

    QCommandLineParser options;
    options.setApplicationDescription(QCoreApplication::translate("main", "Testbed and protocol analyzer for IPv6 mobility."));
    options.addHelpOption();
    options.addVersionOption();
    options.addPositionalArgument(QStringLiteral("file"), QCoreApplication::translate("main", "Capture (pcap, pcapng) or scenario (json) to open."), QStringLiteral("[FILE]"));
    const QCommandLineOption run(QStringLiteral("run"), QCoreApplication::translate("main", "Opens a scenario, a file or the name of one that comes with the program, and starts it."), QStringLiteral("SCENARIO"));
    const QCommandLineOption backend(QStringLiteral("backend"), QCoreApplication::translate("main", "\"virtual\" (default) or \"tap\"."), QStringLiteral("BACKEND"), QStringLiteral("virtual"));
    const QCommandLineOption picture(QStringLiteral("screenshot"), QCoreApplication::translate("main", "Writes a picture of the window and quits."), QStringLiteral("PNG"));
    const QCommandLineOption after(QStringLiteral("after"), QCoreApplication::translate("main", "Seconds to wait before the picture (default 3)."), QStringLiteral("SECONDS"), QStringLiteral("3"));
    options.addOptions({run, backend, picture, after});
    options.process(application);
    const QString links = options.value(backend);
    if (links != QLatin1String("virtual") && links != QLatin1String("tap"))
        return usageError(QStringLiteral("--backend is \"virtual\" or \"tap\", not \"%1\"").arg(links));
    bool number = false;
    const double seconds = options.value(after).toDouble(&number);
    if (!number || seconds < 0 || seconds > 86400) return usageError(QStringLiteral("--after takes seconds, 0 to 86400"));

    const auto sample = capture::findResource("scenarios/intra-map-handover.json");
    ui::MainWindow window({[](const std::string& path) { return capture::openCapture(path); },
                           [](capture::LabOptions lab) { return capture::startLab(std::move(lab)); },
                           [](const std::string& path) { return capture::loadScenario(path); },
                           sample ? QString::fromStdString(*sample) : QString()});
    window.show();
    const auto chosen = links == QLatin1String("tap") ? capture::Backend::Tap : capture::Backend::Virtual;
    if (options.isSet(run)) {
        const auto scenario = capture::resolveScenario(options.value(run).toStdString());
        if (!scenario) return usageError(QString::fromStdString(scenario.error().text));
        window.openScenario(QString::fromStdString(*scenario), true, chosen);
    } else if (!options.positionalArguments().isEmpty()) {
        window.openPath(options.positionalArguments().constFirst());
    }
    if (options.isSet(picture)) {
        const QString file = options.value(picture);
        QTimer::singleShot(static_cast<int>(seconds * 1000), &window, [&window, file] {
            const bool written = window.grab().save(file);
            if (!written) std::fprintf(stderr, "roamscope: cannot write %s\n", qPrintable(file));
            QCoreApplication::exit(written ? 0 : 1);
        });
    }
    return QApplication::exec();
}
