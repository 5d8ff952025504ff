package dev.winnow.runtime.cli;

import dev.winnow.layers.BackendProvider.Device;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What TornadoVM sees. */
@Command(name = "devices", description = "Lists the devices that --backend tornado can use.")
final class DevicesCommand implements Callable<Integer> {
    @Mixin
    private Common common;

    @Override
    public Integer call() {
        common.check();
        List<Device> devices = Devices.provider().orElseThrow(Devices::missing).devices();
        if (common.json()) {
            common.printJson(devices.stream().map(DevicesCommand::facts).toList());
            return 0;
        }
        List<List<String>> table = new ArrayList<>();
        table.add(List.of("device", "name", "kind", "driver", "memory"));
        for (Device d : devices) {
            table.add(List.of(Integer.toString(d.index()), d.name(), d.kind().name().toLowerCase(Locale.ROOT), d.driver(),
                    Tables.quantity(d.memory(), "B")));
        }
        common.out().print(Tables.columns(table));
        return 0;
    }

    private static Map<String, Object> facts(Device d) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("device", d.index());
        facts.put("name", d.name());
        facts.put("kind", d.kind().name().toLowerCase(Locale.ROOT));
        facts.put("driver", d.driver());
        facts.put("memory_bytes", d.memory());
        facts.put("largest_allocation_bytes", d.allocation());
        return facts;
    }
}
