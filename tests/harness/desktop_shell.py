# Takes org.freedesktop.Notifications on the session bus and says what is shown, one line of JSON each; presses what it is told to on standard input.
import json
import sys

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME = "org.freedesktop.Notifications"


def say(**message):
    print(json.dumps(message), flush=True)


class Shell(dbus.service.Object):
    last = 0

    @dbus.service.method(NAME, in_signature="", out_signature="as")
    def GetCapabilities(self):
        return ["actions", "body", "body-hyperlinks", "body-markup", "persistence"]

    @dbus.service.method(NAME, in_signature="", out_signature="ssss")
    def GetServerInformation(self):
        return ("test desktop", "test", "1", "1.2")

    @dbus.service.method(NAME, in_signature="susssasa{sv}i", out_signature="u")
    def Notify(self, app, replaces, icon, summary, body, actions, hints, timeout):
        Shell.last += 1
        number = int(replaces) or Shell.last
        pairs = [[str(actions[i]), str(actions[i + 1])] for i in range(0, len(actions) - 1, 2)]
        say(shown={"id": number, "app": str(app), "summary": str(summary), "body": str(body), "actions": pairs})
        return dbus.UInt32(number)

    @dbus.service.method(NAME, in_signature="u", out_signature="")
    def CloseNotification(self, number):
        say(closed=int(number))
        self.NotificationClosed(number, dbus.UInt32(3))

    @dbus.service.signal(NAME, signature="us")
    def ActionInvoked(self, number, key):
        pass

    @dbus.service.signal(NAME, signature="uu")
    def NotificationClosed(self, number, reason):
        pass


def main():
    DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    name = dbus.service.BusName(NAME, bus)
    shell = Shell(bus, "/org/freedesktop/Notifications")
    loop = GLib.MainLoop()

    def told(source, condition):
        line = sys.stdin.readline()
        if not line:
            loop.quit()
            return False
        order = json.loads(line)
        shell.ActionInvoked(dbus.UInt32(order["press"]), order["key"])
        return True

    GLib.io_add_watch(0, GLib.IO_IN | GLib.IO_HUP, told)
    say(ready=True)
    loop.run()
    del name


main()
