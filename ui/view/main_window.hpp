// SPDX-License-Identifier: GPL-3.0-or-later
// The window: arranges the views around one workspace and opens what the menus, a drop or the command line name. It knows how
// to open and run things only through Services, so that tests can give it their own.
#pragma once

#include "capture/run/session.hpp"
#include "ui/model/workspace.hpp"
#include "ui/view/banner.hpp"
#include "ui/view/filter_bar.hpp"
#include "ui/view/frame_pane.hpp"
#include "ui/view/packet_list.hpp"
#include "ui/view/run_bar.hpp"
#include "ui/view/start_page.hpp"
#include "ui/view/tables.hpp"
#include "ui/view/timeline_view.hpp"
#include "ui/view/topology_view.hpp"

#include <QMainWindow>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>

#include <functional>
#include <memory>
#include <string>

namespace roamscope::ui {

/// What the window asks the layers below for. All must be set.
struct Services {
    std::function<Result<std::unique_ptr<capture::Session>>(const std::string& path)> openCapture;
    std::function<Result<std::unique_ptr<capture::Session>>(capture::LabOptions options)> startLab;
    std::function<Result<lab::Scenario>(const std::string& path)> loadScenario;
    QString samplePath;  ///< the scenario of "Run the sample"; empty when it was not found
};

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    explicit MainWindow(Services services, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// A scenario when the name ends in .json (it starts paused), otherwise a capture. False when it could not be opened; the
    /// banner says why.
    bool openPath(const QString& path);
    bool openCapture(const QString& path);
    /// `run`: starts at once instead of paused at time 0.
    bool openScenario(const QString& path, bool run, capture::Backend backend);
    /// Shows a session made elsewhere.
    void setSession(std::unique_ptr<capture::Session> session, const QString& title);

    [[nodiscard]] Workspace& workspace() { return workspace_; }
    [[nodiscard]] RunBar* runBar() const { return runBar_; }
    [[nodiscard]] Banner* banner() const { return banner_; }
    [[nodiscard]] PacketList* packets() const { return packets_; }
    [[nodiscard]] FilterModel& filter() { return filter_; }
    [[nodiscard]] FilterBar* filterBar() const { return filterBar_; }
    [[nodiscard]] FramePane* framePane() const { return frame_; }
    [[nodiscard]] TimelineView* timeline() const { return timeline_; }
    [[nodiscard]] TopologyView* topology() const { return topology_; }
    [[nodiscard]] BindingsView* bindings() const { return bindings_; }
    [[nodiscard]] HandoversView* handovers() const { return handovers_; }
    [[nodiscard]] QAction* saveAction() const { return save_; }

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void arrange();
    void connectViews();
    void makeFileMenu();
    void makeViewMenu();
    void makeRunMenu();
    void makeHelpMenu();
    void chooseFile(const QString& title, const QString& filter);
    void chooseSaveName();
    void save(const QString& path);
    bool startScenario(bool run, capture::Backend backend);
    void showView();
    void showStatus();
    void stepHandover(int by);
    void stepFrame(int by);
    void remember(const QString& path);
    void showRecent();
    void restoreLayout();
    void saveLayout() const;
    void copyAsWireshark(const QString& text);
    void showKeys();
    void showAbout();
    QAction* addTo(QMenu* menu, const QString& text, const QKeySequence& key, std::function<void()> action);

    Services services_;
    Workspace workspace_;
    FilterModel filter_{workspace_};
    lab::Scenario scenario_;  ///< the one opened last, for restarts
    QString scenarioTitle_;
    RunBar* runBar_;
    Banner* banner_;
    QStackedWidget* pages_;
    StartPage* start_ = nullptr;
    TopologyView* topology_;
    TimelineView* timeline_;
    FilterBar* filterBar_;
    PacketList* packets_;
    FramePane* frame_;
    BindingsView* bindings_;
    HandoversView* handovers_;
    QTabWidget* tables_;
    QSplitter* rows_;
    QSplitter* top_;
    QSplitter* bottom_;
    QSplitter* left_;
    QLabel* counts_;
    QLabel* message_;
    QMenu* recent_ = nullptr;
    QAction* sample_ = nullptr;
    QAction* open_ = nullptr;
    QAction* openScenario_ = nullptr;
    QAction* save_ = nullptr;
    QAction* copyInside_ = nullptr;
    QString problemShown_;
};

}  // namespace roamscope::ui
