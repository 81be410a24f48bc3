memcpy(current, drive_i, sizeof current);
memcpy(conductance, drive_g, sizeof conductance);
$recurrent
