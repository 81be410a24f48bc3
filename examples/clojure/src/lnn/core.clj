(ns lnn.core
  "Liquid neural networks: load a model that LNN trained in Python, or create one with
  random weights, and run it.

      (def net (load-network \"model.edn\"))
      (forward net rows dts)            ; a recording at once
      (step net state row dt)           ; row by row: [state answer]

  A row is a vector of the input columns. `dts` is the time since the row before: seconds
  for models that were fitted on dates, else in the units of their time stamps."
  (:require [clojure.edn :as edn]
            [lnn.arrays :refer [array]]
            [lnn.creating :as creating]
            [lnn.limits :as limits]
            [lnn.running :as running]))

(def ^:private version 3)

(defn- refuse [message data]
  (throw (ex-info message data)))

(defn network
  "Make a network of a model: the map that an EDN file of LNN holds."
  [{:keys [format arrays clock missing answer] :as model}]
  (when-not (= format "LNN spec")
    (refuse "Expected a model of LNN (python -m LNN.export FILE --to clojure FOLDER)."
            {:format format}))
  (when (> (:version model) version)
    (refuse (str "Expected a model of version " version " or older, got " (:version model)
                 ". Take a later version of this library.")
            {:version (:version model)}))
  {:model model
   :center (array arrays "scaler.center")
   :scale (array arrays "scaler.scale")
   :rule {:policy missing, :neutral (array arrays "scaler.neutral"), :max-step (:max_step clock)}
   :target (when-not (:classes answer)
             (map vector (array arrays "target_scaler.center") (array arrays "target_scaler.scale")))
   :limits (limits/limits model arrays)
   :functions (running/network model arrays)})

(defn load-network
  "Load a model that `python -m LNN.export FILE --to clojure FOLDER` wrote. Nothing in the
  file is evaluated."
  [path]
  (network (edn/read-string (slurp path :encoding "UTF-8"))))

(defn save-network
  "Write a network to a file that `load-network` reads."
  [net path]
  (spit path (pr-str (:model net)) :encoding "UTF-8"))

(defn create-network
  "Create a network with random weights. It reads rows one after another, answers each of
  them, and is not trained: train in Python, then load what was exported.

  :input-size, :hidden-size, :output-size  how many columns, neurons and outputs
  :cell   :ltc (default) or :cfc
  :seed   of the random weights, 0 by default"
  [options]
  (network (creating/random-model options)))

(defn network-summary
  "Return what a network is, in a map."
  [{{:keys [input layers pooling reading answer clock missing arrays]} :model}]
  (let [weights (filter (fn [[name {:keys [dtype]}]]
                          (and (re-find #"^(layers|patch|attention|readout)\." name)
                               (re-find #"^float" dtype)))
                        arrays)]
    {:inputs (or (:names input) (:n_channels input))
     :cells (mapv :cell layers)
     :neurons (mapv :n_neurons layers)
     :outputs (or (:classes answer) (:n_outputs answer))
     :parameters (reduce + (map (fn [[_ {:keys [data]}]] (count data)) weights))
     :pooling pooling
     :reads (if-let [rows (:window_length reading)]
              (str "windows of " rows " rows")
              (:kind reading))
     :missing missing
     :time-unit (:unit clock)}))

(defn- checked-row [{:keys [center rule model]} x]
  (let [row (mapv #(if (nil? %) ##NaN (double %)) x)
        anchors (set (get-in model [:input :anchors]))
        may-miss #(and (not= (:policy rule) "error") (not (anchors %)))]
    (when-not (= (count row) (count center))
      (refuse (str "Expected rows of " (count center) " numbers, got " (count row)
                   ". Pass input columns alone.")
              {:row x}))
    (doseq [[k value] (map-indexed vector row)]
      (when (or (infinite? value) (and (NaN? value) (not (may-miss k))))
        (refuse (str "Expected finite numbers" (when (may-miss k) " or NaN") " in channel " k
                     ", got " value ".")
                {:row x})))
    row))

(defn- scaled-row [{:keys [center scale model]} row before]
  (let [changed (reduce #(assoc %1 %2 (- (row %2) (before %2)))
                        row (get-in model [:input :anchors]))]
    (mapv #(/ (- %1 %2) %3) changed center scale)))

(defn- units-of [{{{:keys [unit tolerance]} :clock} :model} gap]
  (let [gap (if (nil? gap) ##NaN (double gap))]
    (when (or (neg? gap) (infinite? gap))
      (refuse (str "Expected gaps that are numbers >= 0, got " gap ". Sort rows by time.")
              {:gap gap}))
    (let [units (/ gap unit)]
      (if (or (NaN? units) (<= (abs (- units 1)) tolerance)) 1.0 units))))

(defn- probabilities-of [outputs]
  (let [most (apply max outputs)
        powers (mapv #(Math/exp (- % most)) outputs)
        sum (reduce + powers)]
    (mapv #(/ % sum) powers)))

(defn- label [classes outputs]
  (nth classes (first (apply max-key second (reverse (map-indexed vector outputs))))))

(defn- values-of
  "Return what the network proposes in the units of y: targets, each with its quantiles."
  [{:keys [target model]} outputs row]
  (let [{:keys [quantiles]} (:answer model)
        anchors (get-in model [:input :anchors])
        present (if (seq anchors) (map row anchors) (repeat 0.0))]
    (mapv (fn [own [center scale] p] (mapv #(+ (* % scale) center p) own))
          (partition (max 1 (count quantiles)) outputs) target present)))

(defn- within
  "Return [values feasible], quantile by quantile within the limits."
  [{:keys [limits model]} values {:keys [row units]} before]
  (let [elapsed (* units (get-in model [:clock :unit]))
        found (mapv #(limits/kept limits % row before elapsed) (apply map vector values))]
    [(apply mapv vector (map first found)) (every? second found)]))

(defn- answered
  "Return the :answer to outputs and, of a model with limits, whether it is :feasible and
  what the next row finds :before."
  [{:keys [model limits] :as net} before {:keys [outputs row] :as one}]
  (let [{:keys [classes quantiles ndim]} (:answer model)]
    (if classes
      {:answer (label classes outputs)}
      (let [proposed (values-of net outputs row)
            [values feasible] (if limits (within net proposed one before) [proposed true])
            shaped (if (> (count quantiles) 1) values (mapv first values))
            answer (if (zero? ndim) (first shaped) shaped)]
        (cond-> {:answer answer}
          limits (assoc :feasible feasible, :before (when-not quantiles (mapv first values))))))))

(defn- prepared
  "Return the rows of a recording, and these scaled with their time steps."
  [net xs dts]
  (let [rows (mapv #(checked-row net %) xs)
        gaps (if (number? dts) (repeat dts) (concat dts (repeat nil)))
        gaps (cons nil (rest gaps))]
    [rows (mapv (fn [row before gap]
                  {:scaled (scaled-row net row before), :units (units-of net gap)})
                rows (cons (first rows) rows) gaps)]))

(defn- outputs-of
  "Return outputs to a recording, with their rows and time steps."
  [{:keys [functions rule model] :as net} xs dts]
  (let [{:keys [window_length every_step]} (:reading model)
        [rows steps] (prepared net xs dts)
        found (cond
                window_length
                (mapv (fn [k]
                        (let [window (subvec steps (max 0 (- (inc k) window_length)) (inc k))]
                          (peek (running/run functions rule window false))))
                      (range (count rows)))
                every_step (running/run functions rule steps true)
                :else [(peek (running/run functions rule steps false))])
        n (count found)]
    (mapv (fn [outputs row {:keys [units]}] {:outputs outputs, :row row, :units units})
          found (take-last n rows) (take-last n steps))))

(defn- one-or-all [{:keys [model]} answers]
  (let [{:keys [window_length every_step]} (:reading model)]
    (if (or window_length every_step) answers (peek answers))))

(defn- all-answered [net xs dts]
  (rest (reductions #(answered net (:before %1) %2) nil (outputs-of net xs dts))))

(defn forward
  "Answer a recording of rows: one answer for each row, or one for a sequence where the
  model was fitted so. `dts` is the time since the row before, for each row or for all;
  nil is the usual gap. A value that is missing is nil or ##NaN."
  ([net xs] (forward net xs nil))
  ([net xs dts] (one-or-all net (mapv :answer (all-answered net xs dts)))))

(defn feasible
  "Tell which answers of `forward` satisfy all limits of the model, as it lays them out."
  ([net xs] (feasible net xs nil))
  ([net xs dts]
   (when-not (:limits net)
     (refuse "Expected a model with output_constraints, got one without: it has no limits." {}))
   (one-or-all net (mapv :feasible (all-answered net xs dts)))))

(defn probabilities
  "Answer as `forward` does, with the probabilities of the classes in their order."
  ([net xs] (probabilities net xs nil))
  ([net xs dts]
   (when (:target net) (refuse "Expected a classifier, got a regressor: use forward." {}))
   (one-or-all net (mapv (comp probabilities-of :outputs) (outputs-of net xs dts)))))

(defn- refuse-whole-sequences [{:keys [functions model]}]
  (when (and (nil? (get-in model [:reading :window_length]))
             (or (:own-scale functions) (:attention functions)))
    (refuse (str "Expected a model that reads rows one by one, got scale=\"sequence\" or "
                 "pooling=\"attention\", which look at the whole sequence. Use forward.")
            {})))

(defn- next-state
  "Return [state answer] of what a row left, and the outputs to it."
  [net state outputs {:keys [row units]} before]
  (let [found (answered net before {:outputs outputs, :row row, :units units})]
    [(merge state {:row row} (select-keys found [:feasible :before])) (:answer found)]))

(defn step
  "Take in one row: return [state answer]. The state nil begins a recording. A state is
  plain data: it can be printed, stored and read back. Of a model with limits :feasible
  in the new state tells whether the answer satisfies all of them."
  ([net state x] (step net state x nil))
  ([{:keys [functions rule model] :as net} state x dt]
   (refuse-whole-sequences net)
   (let [row (checked-row net x)
         gap {:scaled (scaled-row net row (:row state row))
              :units (units-of net (when state dt))}
         one {:row row, :units (:units gap)}]
     (if-let [length (get-in model [:reading :window_length])]
       (let [window (vec (take-last length (conj (:window state []) gap)))
             outputs (peek (running/run functions rule window false))]
         (next-state net {:window window} outputs one (:before state)))
       (let [filling (:filling state (running/start-filling rule))
             [filling steps] (running/steps-of rule filling gap)
             [run outputs] (reduce (fn [[run _] one] (running/step functions run one (:ends one)))
                                   [(:run state (running/start functions)) nil]
                                   steps)]
         (next-state net {:filling filling, :run run} outputs one (:before state)))))))
